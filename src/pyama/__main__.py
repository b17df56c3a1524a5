"""`python -m pyama`."""

from pyama.cli import main

if __name__ == "__main__":
    main()
