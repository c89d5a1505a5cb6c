"""`python -m liandong.site` is the command line."""

from liandong.site.cli import main

if __name__ == "__main__":
    main()
