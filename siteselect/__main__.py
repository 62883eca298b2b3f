"""``python -m siteselect`` is the ``siteselect`` command."""

from siteselect.cli import main

if __name__ == "__main__":
    main()
