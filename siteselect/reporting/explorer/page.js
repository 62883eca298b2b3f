(function () {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const config = read("explorer");
  const element = (id) => document.getElementById(id);

  function made(name, text, kind) {
    const node = document.createElement(name);
    if (text !== undefined) { node.textContent = text; }
    if (kind) { node.className = kind; }
    return node;
  }

  const MOST_ROWS = 200;
  const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

  function start(model) {
    const named = (name) => model.get_model_by_name(name);
    const candidates = named("candidates");
    const scoring = config.scoring;
    const weighted = scoring.why_not === "";
    // Where weights stand still, so do ranks.
    document.body.classList.toggle("is-still", !weighted);
    const n = candidates ? candidates.get_length() : 0;
    const column = (name) => candidates.data[name];
    // Bokeh's own arrays are cut at the wrong place by subarray.
    const plain = (array) => Float64Array.from(array);
    const score0 = n ? plain(column("score")) : new Float64Array(0);
    const rank0 = SiteScore.ranks(score0).rank;
    const values = weighted ? scoring.names.map((_, c) => plain(column("v" + c))) : [];
    const state = { plan: 0, weights: [...scoring.weights], touched: false, shade: "score" };
    let now = { score: score0, ...SiteScore.ranks(score0) };

    // -- layers ------------------------------------------------------------------
    const counts = { borders: null };
    function layerRow(layer) {
      const label = made("label");
      const box = made("input");
      box.type = "checkbox";
      box.checked = true;
      box.dataset.layer = layer.key;
      const swatch = made("span", undefined, "swatch " + layer.shape);
      swatch.style.background = layer.color;
      swatch.style.color = layer.color;
      const words = made("span", layer.label);
      label.append(box, swatch, words);
      element("layers").append(label);
      box.addEventListener("change", () => {
        const drawn = named("layer:" + layer.key);
        drawn.visible = box.checked;
        if (layer.key === "chosen") { named("found").data = { x: [], y: [] }; }
      });
      counts[layer.key] = { label, words, text: layer.label };
    }
    config.layers.forEach(layerRow);
    if (config.plans.length > 1) {
      layerRow({ key: "gone", label: "of the plan, not chosen here", color: config.pick, shape: "ring" });
    }

    function count(key, number) {
      const row = counts[key];
      if (!row) { return; }
      row.words.textContent = `${row.text} (${whole.format(number)})`;
      row.label.hidden = number === 0;
      row.label.style.display = number === 0 ? "none" : "";
    }

    // -- what is told of a place ---------------------------------------------------
    const card = element("card");
    function line(list, name, text) {
      if (text) { list.append(made("dt", name), made("dd", text)); }
    }

    function rankText(i) {
      if (i < 0 || !now.rank[i]) { return ""; }
      const said = `${whole.format(now.rank[i])} of ${whole.format(now.order.length)}`;
      return state.touched ? `${said} (in the plan ${rank0[i] ? whole.format(rank0[i]) : "n/a"})` : said;
    }

    // Contributions of one candidate, from its values with the weights of now.
    function contributions(i) {
      if (!weighted) {
        return scoring.names.map((_, c) => (column("c" + c) ? column("c" + c)[i] : NaN));
      }
      const weights = shares();
      const own = values.map((value) => value.subarray(i, i + 1));
      return SiteScore.combine(scoring.way, own, weights, 1).parts.map((part) => part[0]);
    }

    function tellScore(list, i) {
      if (Number.isNaN(now.score[i])) {
        line(list, "score", "not known");
        line(list, "lacking", column("lacking") ? column("lacking")[i] : "");
        return;
      }
      const before = Number.isNaN(score0[i]) ? "n/a" : score0[i].toFixed(3);
      line(list, "score", now.score[i].toFixed(3) + (state.touched ? ` (in the plan ${before})` : ""));
      line(list, "rank", rankText(i));
    }

    function tellCriteria(i) {
      const parts = contributions(i), weights = shares();
      const told = scoring.told.filter((c) => !Number.isNaN(parts[c]));
      if (!told.length) { return; }
      const table = made("div", undefined, "parts");
      const top = Math.max(...weights);
      for (const c of told) {
        const bar = made("span", undefined, "bar"), full = made("i"), part = made("b");
        full.style.width = `${100 * weights[c] / top}%`;
        part.style.width = `${Math.max(0, Math.min(100, 100 * parts[c] / top))}%`;
        bar.append(full, part);
        table.append(made("span", scoring.names[c], "name"), bar,
          made("span", `${parts[c].toFixed(3)} of ${weights[c].toFixed(3)}`, "figure"));
      }
      card.append(table);
      const rest = scoring.names.length - scoring.told.length;
      if (rest > 0) { card.append(made("p", `and ${rest} criteria of less weight`, "quiet")); }
    }

    // A chosen place (its position in the plan), a candidate, an excluded one.
    function tell(found, onLeft) {
      card.replaceChildren();
      const { pick, row, out, more } = found;
      card.hidden = pick === undefined && row === undefined && out === undefined;
      if (card.hidden) { return; }
      card.classList.toggle("on-left", onLeft);
      const list = made("dl");
      if (pick !== undefined) {
        const chosen = config.plans[state.plan].chosen;
        const at = chosen.row[pick];
        card.append(made("h3", placeOf(chosen.site[pick], chosen.place[pick])), list);
        line(list, "chosen", `${chosen.mw[pick]} MW` + (chosen.option ? `, ${chosen.option[pick]}` : ""));
        for (const key of ["cost", "substation", "why"]) {
          line(list, key, chosen[key] && chosen[key][pick]);
        }
        if (candidates && at >= 0) { tellScore(list, at); tellCriteria(at); }
        if (more) { card.append(made("p", `and ${more} more chosen here: zoom in`, "quiet")); }
      } else if (row !== undefined) {
        card.append(made("h3", placeOf(column("site")[row], column("place")[row])), list);
        line(list, "chosen", "no");
        tellScore(list, row);
        tellCriteria(row);
      } else {
        const data = excluded.data_source.data;
        card.append(made("h3", placeOf(data.site[out], data.place[out])), list);
        line(list, "excluded by", data.because[out]);
      }
    }

    const under = { chosen: [], known: [], unknown: [], excluded: [] };
    let telling = false;
    function pointing() {
      for (const key of Object.keys(under)) {
        const drawn = named("layer:" + key);
        if (!drawn) { continue; }
        drawn.data_source.inspect.connect(([renderer, { geometry }]) => {
          if (renderer !== drawn) { return; }
          under[key] = [...drawn.data_source.inspected.indices];
          pointing.isRight = geometry.sx > element("map").clientWidth / 2;
          if (telling) { return; }
          telling = true;
          requestAnimationFrame(() => {
            telling = false;
            const { chosen, known, unknown } = under;
            const row = known.length ? known[0] : unknown[0];
            tell({ pick: chosen.at(-1), row, out: under.excluded[0], more: chosen.length - 1 }, pointing.isRight);
          });
        });
      }
    }

    // -- scoring again -------------------------------------------------------------
    function paint() {
      const bar = named("color_bar"), mapper = named("score_colors");
      if (!mapper) { return; }
      if (!paint.kept) {
        paint.kept = { palette: mapper.palette, low: mapper.low, high: mapper.high };
      }
      const isMoved = state.shade === "moved";
      if (isMoved) {
        // What has not moved is gray, not the color of the ground: it stays in sight.
        const sizes = Float64Array.from(column("moved"), Math.abs).sort();
        const reach = Math.max(1, sizes[Math.floor(0.98 * (sizes.length - 1))] || 0);
        mapper.setv({ palette: ["#b35806", "#d07a1e", "#e8a14c", "#f0c080", "#b8b8b8", "#9cc7e0", "#6aa9d2", "#3d85bd", "#2166ac"], low: -reach, high: reach });
      } else if (mapper.palette !== paint.kept.palette) {
        mapper.setv(paint.kept);
      }
      const glyph = named("layer:known").glyph;
      if (bar.title !== (isMoved ? "places up" : "score")) {
        bar.title = isMoved ? "places up" : "score";
        glyph.fill_color = { field: isMoved ? "moved" : "score", transform: mapper };
      }
    }

    function sortRows() {
      if (!candidates) { return; }
      const known = [], unknown = [];
      let changed = !sortRows.was;
      for (let i = 0; i < n; i++) {
        const isUnknown = Number.isNaN(now.score[i]);
        (isUnknown ? unknown : known).push(i);
        changed = changed || Number.isNaN(sortRows.was[i]) !== isUnknown;
      }
      if (changed) {
        named("rows:known").indices = known;
        named("rows:unknown").indices = unknown;
        sortRows.was = now.score;
      }
      count("known", known.length);
      count("unknown", unknown.length);
    }

    function rescore() {
      if (!candidates) { return; }
      const data = candidates.data;
      if (weighted) {
        const weights = state.touched ? SiteScore.normalized(state.weights) : scoring.weights;
        element("trouble").textContent = weights ? "" : "Give at least one criterion a weight above zero. Map, ranks and shares are those of the weights before.";
        if (!weights) { return; }
        const found = SiteScore.combine(scoring.way, values, weights, n);
        // At the plan's own weights its own scores stand.
        now = { score: state.touched ? found.score : score0 };
        Object.assign(now, SiteScore.ranks(now.score));
      }
      data.score = now.score;
      data.moved = Float32Array.from(now.rank, (r, i) => (r && rank0[i] ? rank0[i] - r : NaN));
      sortRows();
      paint();
      candidates.change.emit();
      card.hidden = true;
      showShares();
      showRanks();
      element("badge").hidden = !state.touched;
    }

    let waiting = false;
    function soon() {
      if (waiting) { return; }
      waiting = true;
      requestAnimationFrame(() => { waiting = false; rescore(); });
    }

    // -- sliders -------------------------------------------------------------------
    const rows = [];
    function sliders() {
      const top = Math.max(0.5, 2 * Math.max(...scoring.weights));
      scoring.names.forEach((name, c) => {
        const label = made("label");
        const said = scoring.evidence[c] ? `${name} (${scoring.evidence[c]})` : name;
        const text = made("span", name, "name");
        text.title = said;
        const input = made("input");
        Object.assign(input, { type: "range", min: 0, max: top, step: 0.001, value: scoring.weights[c] });
        input.dataset.criterion = c;
        input.setAttribute("aria-label", "Weight of " + said);
        const output = made("output");
        label.append(text, input, output);
        element("sliders").append(label);
        rows.push({ text, input, output });
        input.addEventListener("input", () => {
          state.weights[c] = Number(input.value);
          state.touched = true;
          element("reset").disabled = false;
          soon();
        });
      });
      element("reset").addEventListener("click", () => {
        state.weights = [...scoring.weights];
        state.touched = false;
        rows.forEach((row, c) => { row.input.value = scoring.weights[c]; });
        element("reset").disabled = true;
        soon();
      });
      element("shade").addEventListener("change", (event) => {
        state.shade = event.target.value;
        soon();
      });
    }

    // Weights of now, which sum to one; all zero they are the plan's.
    function shares() {
      return (state.touched && SiteScore.normalized(state.weights)) || scoring.weights;
    }

    function showShares() {
      const found = shares();
      rows.forEach((row, c) => {
        row.output.textContent = `${(100 * found[c]).toFixed(0)} %`;
        row.text.classList.toggle("is-moved", state.weights[c] !== scoring.weights[c]);
      });
    }

    // -- ranks ---------------------------------------------------------------------
    function moved(before, after) {
      const cell = made("td");
      if (!before || !after) { cell.textContent = "n/a"; return cell; }
      const by = before - after;
      cell.textContent = by === 0 ? "–" : `${by > 0 ? "▲" : "▼"} ${whole.format(Math.abs(by))}`;
      cell.className = by > 0 ? "up" : by < 0 ? "down" : "";
      return cell;
    }

    function rankRow(place, figure, i, x, y, pick) {
      const row = made("tr");
      row.tabIndex = 0;
      const before = i >= 0 ? rank0[i] : 0, after = i >= 0 ? now.rank[i] : 0;
      row.append(made("td", place), made("td", figure));
      row.append(made("td", before ? whole.format(before) : "n/a"));
      row.append(made("td", after ? whole.format(after) : "n/a"), moved(before, after));
      const find = () => {
        named("found").data = { x: [x], y: [y] };
        const figure = named("map"), middle = (figure.x_range.start + figure.x_range.end) / 2;
        tell(pick === undefined ? { row: i } : { pick }, x > middle);
      };
      row.addEventListener("click", find);
      row.addEventListener("keydown", (event) => { if (event.key === "Enter") { find(); } });
      return row;
    }

    function placeOf(site, place) { return place ? `${site}, ${place}` : site; }

    function showRanks() {
      const chosen = config.plans[state.plan].chosen;
      const at = chosen.row.map((_, k) => k);
      const rankOf = (k) => (chosen.row[k] >= 0 && now.rank[chosen.row[k]]) || Infinity;
      at.sort((a, b) => (rankOf(a) === rankOf(b) ? a - b : rankOf(a) - rankOf(b)));
      element("chosen-ranks").replaceChildren(...at.slice(0, MOST_ROWS).map((k) =>
        rankRow(placeOf(chosen.site[k], chosen.place[k]), chosen.mw[k], chosen.row[k], chosen.x[k], chosen.y[k], k)));
      element("chosen-table").hidden = !at.length;
      element("ranks-told").textContent = `among ${whole.format(now.order.length)} scored` +
        (chosen.site.length > MOST_ROWS ? `, the highest ${MOST_ROWS}` : "");
      if (candidates) {
        element("best-ranks").replaceChildren(...Array.from(now.order.subarray(0, 10), (i) =>
          rankRow(placeOf(column("site")[i], column("place")[i]), now.score[i].toFixed(3), i, column("x")[i], column("y")[i])));
      }
      showOwn(chosen);
    }

    // What the shown plan is worth with the reader's weights.
    function showOwn(chosen) {
      const line = element("own");
      line.hidden = !state.touched;
      if (!state.touched) { return; }
      let before = 0, after = 0;
      chosen.row.forEach((i, k) => {
        const mw = chosen.mw_facility[k];
        before += mw * (i >= 0 ? score0[i] : NaN);
        after += mw * (i >= 0 ? now.score[i] : NaN);
      });
      const said = (v) => (Number.isNaN(v) ? "n/a" : v.toLocaleString("en-US", { maximumFractionDigits: 1 }));
      line.textContent = `Score x MW of these sites: ${said(before)} with the plan's weights, ${said(after)} with yours.`;
    }

    // -- plans ---------------------------------------------------------------------
    function show(k) {
      state.plan = k;
      const plan = config.plans[k], first = config.plans[0];
      const sites = new Set(first.chosen.site), here = new Set(plan.chosen.site);
      const source = named("chosen");
      if (source) {
        source.data = {
          x: plan.chosen.x,
          y: plan.chosen.y,
          size: plan.chosen.size,
          color: plan.chosen.site.map((s) => (sites.has(s) ? config.pick : config.other)),
        };
        const gone = first.chosen.site.map((_, i) => i).filter((i) => !here.has(first.chosen.site[i]));
        const taken = (key) => gone.map((i) => first.chosen[key][i]);
        named("gone").data = { x: taken("x"), y: taken("y"), size: taken("size") };
        count("gone", gone.length);
        named("found").data = { x: [], y: [] };
        card.hidden = true;
      }
      count("chosen", plan.chosen.site.length);
      if (element("which")) {
        element("told").replaceChildren(...plan.lines.map((line) => made("li", line)));
        element("which").value = String(k);
        element("before").disabled = k === 0;
        element("after").disabled = k === config.plans.length - 1;
      }
      const dots = named("dots");
      if (dots) {
        const at = dots.data.plan.indexOf(k);
        const wanted = at < 0 ? [] : [at];
        if (String(dots.selected.indices) !== String(wanted)) { dots.selected.indices = wanted; }
      }
      showRanks();
    }

    function flipping() {
      const list = element("which");
      if (!list) { return; }
      const groups = { alternative: "Alternatives", frontier: "On the frontier" };
      let group = null;
      config.plans.forEach((plan, k) => {
        const option = made("option", plan.name);
        option.value = String(k);
        if (plan.group === "plan") { list.append(option); return; }
        if (!group || group.label !== groups[plan.group]) {
          group = made("optgroup");
          group.label = groups[plan.group];
          list.append(group);
        }
        group.append(option);
      });
      list.addEventListener("change", () => show(Number(list.value)));
      element("before").addEventListener("click", () => show(Math.max(0, state.plan - 1)));
      element("after").addEventListener("click", () => show(Math.min(config.plans.length - 1, state.plan + 1)));
    }

    function frontier() {
      const dots = named("dots");
      if (!dots) { return; }
      dots.selected.properties.indices.change.connect(() => {
        const at = dots.selected.indices[0];
        if (at !== undefined && dots.data.plan[at] !== state.plan) { show(dots.data.plan[at]); }
      });
    }

    const excluded = named("layer:excluded");
    if (excluded) { count("excluded", excluded.data_source.get_length()); }
    element("ranks").hidden = !candidates;
    if (weighted) { sliders(); }
    flipping();
    frontier();
    pointing();
    if (counts.chosen) { counts.chosen.text += `, largest ${config.largest} MW`; }
    rescore();
    show(0);
    document.body.dataset.ready = "yes";
  }

  const content = { d0: read("plan") };
  const items = [{ docid: "d0", roots: config.roots, root_ids: Object.keys(config.roots) }];
  Bokeh.embed.embed_items(content, items).then(() => {
    start(Bokeh.documents[Bokeh.documents.length - 1]);
  });
})();
