"""`python -m tests.browser.run_demo …` is `flask-upsell …` of the package that the tests import."""

from flask_upsell.demo.cli import main

if __name__ == "__main__":
    main()
