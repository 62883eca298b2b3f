// Scores as score_sites does: the same sums in the same order, so that the weighted
// sum is the same to the last bit.
const SiteScore = (function () {
  "use strict";

  // The sum without rounding on the way (Shewchuk's partials), as math.fsum.
  function exactSum(numbers) {
    const partials = [];
    for (let x of numbers) {
      let i = 0;
      for (let y of partials) {
        if (Math.abs(x) < Math.abs(y)) { [x, y] = [y, x]; }
        const high = x + y;
        const low = y - (high - x);
        if (low !== 0) { partials[i++] = low; }
        x = high;
      }
      partials.length = i;
      partials.push(x);
    }
    return partials.reduceRight((sum, part) => sum + part, 0);
  }

  // Weights divided by their sum; null where all are zero.
  function normalized(weights) {
    const top = Math.max(...weights, 0);
    if (!(top > 0)) { return null; }
    const scaled = weights.map((w) => w / top);
    const sum = exactSum(scaled);
    return scaled.map((w) => w / sum);
  }

  function blank(count, n) {
    return Array.from({ length: count }, () => new Float64Array(n));
  }

  function summed(parts, n) {
    const score = new Float64Array(n);
    for (const part of parts) {
      for (let i = 0; i < n; i++) { score[i] += part[i]; }
    }
    return score;
  }

  function weightedSum(values, weights, n) {
    const parts = blank(values.length, n);
    values.forEach((value, c) => {
      const weight = weights[c], part = parts[c];
      if (weight > 0) {
        for (let i = 0; i < n; i++) { part[i] = weight * value[i]; }
      }
    });
    return { score: summed(parts, n), parts };
  }

  function geometricMean(values, weights, n) {
    const parts = blank(values.length, n);
    const lost = new Float64Array(n), zeros = new Float64Array(n);
    values.forEach((value, c) => {
      if (!(weights[c] > 0)) { return; }
      for (let i = 0; i < n; i++) {
        parts[c][i] = -weights[c] * Math.log(value[i]);
        lost[i] += parts[c][i];
        if (value[i] === 0) { zeros[i] += weights[c]; }
      }
    });
    const score = lost.map((l) => Math.exp(-l));
    values.forEach((value, c) => {
      const weight = weights[c];
      if (!(weight > 0)) { return; }
      for (let i = 0; i < n; i++) {
        let share = lost[i] > 0 ? parts[c][i] / lost[i] : 0;
        if (lost[i] === Infinity) { share = value[i] === 0 ? weight / zeros[i] : 0; }
        parts[c][i] = Number.isNaN(lost[i]) ? NaN : weight + Math.expm1(-lost[i]) * share;
      }
    });
    return { score, parts };
  }

  // The worst value stands with the first criterion that has it.
  function worstOf(values, weights, n) {
    const parts = blank(values.length, n);
    for (let i = 0; i < n; i++) {
      let worst = Infinity, at = 0, unknown = false;
      for (let c = 0; c < values.length; c++) {
        if (!(weights[c] > 0)) { continue; }
        if (Number.isNaN(values[c][i])) { unknown = true; }
        if (values[c][i] < worst) { worst = values[c][i]; at = c; }
      }
      for (let c = 0; c < values.length; c++) {
        if (!(weights[c] > 0)) { continue; }
        parts[c][i] = unknown ? NaN : (c === at ? worst : 0);
      }
    }
    return parts;
  }

  function minimum(values, weights, n) {
    const parts = worstOf(values, weights, n);
    return { score: summed(parts, n), parts };
  }

  // Straight between points, level beyond them; unknown stays unknown.
  function straight(x, xs, ys) {
    if (Number.isNaN(x)) { return NaN; }
    if (x <= xs[0]) { return ys[0]; }
    for (let k = 1; k < xs.length; k++) {
      if (x <= xs[k]) {
        return ys[k - 1] + (ys[k] - ys[k - 1]) * ((x - xs[k - 1]) / (xs[k] - xs[k - 1]));
      }
    }
    return ys[ys.length - 1];
  }

  function referencePoint(values, weights, n, way) {
    const achieved = values.map((value, c) => {
      const xs = [0, way.reservation[c], way.aspiration[c], 1];
      return Float64Array.from(value, (v) => straight(v, xs, [0, 1 / 3, 2 / 3, 1]));
    });
    const worst = worstOf(achieved, weights, n);
    const parts = blank(values.length, n);
    parts.forEach((part, c) => {
      if (!(weights[c] > 0)) { return; }
      for (let i = 0; i < n; i++) {
        part[i] = (worst[c][i] + way.rho * weights[c] * achieved[c][i]) / (1 + way.rho);
      }
    });
    return { score: summed(parts, n), parts };
  }

  function orderedAverage(values, weights, n, way) {
    const counted = values.map((_, c) => c).filter((c) => weights[c] > 0);
    const parts = blank(values.length, n);
    const m = counted.length;
    let given = null, at = null;
    if (way.order_weights) {
      given = [0];
      for (const w of way.order_weights) { given.push(given[given.length - 1] + w); }
      const all = given[given.length - 1];
      given = given.map((g) => g / all);
      at = given.map((_, k) => k / (given.length - 1));
    }
    function reached(met) {
      if (given) { return straight(met, at, given); }
      return Math.pow(met, (1 - way.risk) / way.risk);
    }
    // At the ends of risk the best or the worst value counts alone.
    const only = given ? -1 : (way.risk === 1 ? 0 : (way.risk === 0 ? m - 1 : -1));
    for (let i = 0; i < n; i++) {
      if (counted.some((c) => Number.isNaN(values[c][i]))) {
        for (const c of counted) { parts[c][i] = NaN; }
        continue;
      }
      // Sorting is stable: of equal values the first criterion comes first.
      const order = [...counted].sort((a, b) => values[b][i] - values[a][i]);
      let met = 0, before = 0;
      order.forEach((c, place) => {
        met += weights[c];
        if (only >= 0) {
          parts[c][i] = place === only ? values[c][i] : 0;
          return;
        }
        const now = reached(place === m - 1 ? 1 : Math.min(met, 1));
        parts[c][i] = (now - before) * values[c][i];
        before = now;
      });
    }
    return { score: summed(parts, n), parts };
  }

  const WAYS = {
    WeightedSum: weightedSum,
    GeometricMean: geometricMean,
    Minimum: minimum,
    OWA: orderedAverage,
    ReferencePoint: referencePoint,
  };

  // Score and contributions; NaN where a value of positive weight is unknown.
  function combine(way, values, weights, n) {
    return WAYS[way.kind](values, weights, n, way);
  }

  // Rank of each score, the best is 1, equal scores share the better one; 0 if unknown.
  function ranks(score) {
    const known = [];
    for (let i = 0; i < score.length; i++) {
      if (!Number.isNaN(score[i])) { known.push(i); }
    }
    const order = Uint32Array.from(known).sort((a, b) => score[b] - score[a] || a - b);
    const rank = new Int32Array(score.length);
    let shared = 0;
    for (let k = 0; k < order.length; k++) {
      if (k === 0 || score[order[k]] < score[order[k - 1]]) { shared = k + 1; }
      rank[order[k]] = shared;
    }
    return { rank, order };
  }

  return { combine, normalized, ranks };
})();
