"""How each bundled layer is made; run by ``data/build.py``, never installed."""
