"""`python -m pyama.cli`."""

from pyama.cli import main

if __name__ == "__main__":
    main()
