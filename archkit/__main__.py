"""``python -m archkit``."""

import sys

if __name__ == "__main__":
    # Python puts the current folder first, where a `torch.py` may lie; `archkit` does not.
    if not sys.flags.safe_path:
        del sys.path[0]
    from .cli import main

    main()
