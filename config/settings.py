"""Every setting with its default. Copy the lines that you change; unknown names are reported at start-up."""

# False: nothing is shown, counted or learned; the store runs on as if nothing was installed.
UPSELL_ENABLED = True

# Redis or Valkey (6.2 or newer) for the book, counters and jobs.
UPSELL_REDIS_URL = "redis://127.0.0.1:6379/0"

# SQLAlchemy URL of the ledger; best the store's own.
UPSELL_DATABASE_URL = "sqlite:///upsell.db"

# Signing secrets of 256 bits, oldest first, the last one signs; None: SECRET_KEY (and SECRET_KEY_FALLBACKS).
UPSELL_KEYS = None

# The secret that makes pseudonyms of customers; None: the ledger makes and keeps one. A new one forgets.
UPSELL_PSEUDONYM_KEY = None

# Secrets that sign the audit, oldest first, the last one signs; None: one that the ledger makes and keeps.
UPSELL_AUDIT_KEYS = None

# Where the routes live; None: '/upsell' (an instance 'b2b': '/upsell-b2b').
UPSELL_URL_PREFIX = None

# The most offers in one placement.
UPSELL_MAX_OFFERS = 2

# The most of them that are upgrades.
UPSELL_MAX_UPGRADES = 1

# An upgrade costs at most so many percent more than its line.
UPSELL_PRICE_GAP_PERCENT = 25

# A difference of so many minor units is always small.
UPSELL_PRICE_GAP_FLOOR = 0

# A complement may cost at most so many times what it goes with, unless its rule says more; 0: any price.
UPSELL_COMPLEMENT_TIMES = 1

# The most offers on a page, all its placements together.
UPSELL_MAX_PAGE = 3

# The most different products offered in a session; 0 for any number. Counted where the store has a session.
UPSELL_MAX_SESSION = 20

# The store's IANA time zone, such as 'Europe/Rome': in it days and seasons begin unless a rule names another.
UPSELL_ZONE = "UTC"

# The widgets' language (BCP 47) where the shopper's is not known or has no catalogue.
UPSELL_LANGUAGE = "en"

# A folder with the store's own catalogues, such as nl.po; they come before ours.
UPSELL_LOCALES = None

# How long an offer of a page is good; then it is asked again.
UPSELL_TOKEN_SECONDS = 1800

# The most clicks on offers that are taken of one visitor in a minute; 0: any number.
UPSELL_RATE_VISITOR = 60

# The same for one public address (Flask's remote_addr: behind a proxy ProxyFix tells it); 0: any number.
UPSELL_RATE_ADDRESS = 300

# The most placements that one such address gets again in a minute; 0: any.
UPSELL_RATE_READINGS = 1200

# How long after its acceptance an ordered product counts as converted.
UPSELL_ATTRIBUTION_SECONDS = 604800

# A function: did this shopper agree that history is used? True is yes; None, or no function: only the cart is.
UPSELL_CONSENT = None

# A function: which of these customers (a list of the store's keys) agreed that learning keeps their past orders?
# None: those whose last order was placed under CONSENT.
UPSELL_CONSENTED = None

# Days that single events (who accepted what) are kept.
UPSELL_KEEP_DAYS = 90

# Fewer orders together than this are noise and teach nothing.
UPSELL_MIN_SUPPORT = 5

# Products bought together less than so many times as often as by chance are no complements.
UPSELL_MIN_LIFT = 1.1

# A dearer product that a smaller share of its category's orders had is no upgrade.
UPSELL_UPGRADE_SHARE = 0.01

# A pair must be bought together by so many standard deviations more than chance would have it.
UPSELL_MIN_CERTAINTY = 3.3

# Orders of more products teach nothing (wholesale, bots).
UPSELL_MAX_BASKET = 500

# The most complements with evidence of one product.
UPSELL_NEIGHBOURS = 20

# Whether learning uses what `flask upsell backtest --tune` chose where the settings are the defaults.
UPSELL_LEARN_TUNED = True

# Memory that learning may use before it goes to disk.
UPSELL_LEARN_MEMORY = "1GB"

# What learning counts with: 'duckdb' in the worker's process, or 'spark' (the extra [spark], and Java).
UPSELL_LEARN_ENGINE = "duckdb"

# Where Spark runs; None: its own configuration says so (SPARK_CONF_DIR), which then also has its memory.
UPSELL_SPARK_MASTER = "local[*]"

# Parquet (a file, a folder or a glob) to learn orders from instead of from the store: order_ref, product_ref, quantity,
# customer, placed_at.
UPSELL_LEARN_ORDERS = None

# How long a process trusts its copy of the book before it asks for a newer version, or is switched off.
UPSELL_BOOK_SECONDS = 0.5

# How long an old book stays readable after a new one is live.
UPSELL_BOOK_KEEP_SECONDS = 120

# How long a page waits for one answer of Redis at most; for all of them together twice as long.
UPSELL_REDIS_SECONDS = 0.01

# How long a click or an order waits for the ledger's own connections to PostgreSQL at most, all its statements
# together.
UPSELL_DATABASE_SECONDS = 5

# Where offers take longer on three pages within a minute, none are shown for a minute; 0: however long.
UPSELL_SLOW_SECONDS = 0.5

# A function that says whether this request may read /upsell/metrics and /upsell/healthz; None: only requests from the
# machine itself that no proxy forwarded.
UPSELL_METRICS = None

# A function that gives the Person (name, role) who works at /upsell/admin/ in this request, or None; without such a
# function there is no admin.
UPSELL_ADMIN_USER = None

# The path of the store's page to sign in for that, such as '/login'; the way back is added as ?next=. None: where
# flask_login_person is used, Flask-Login's login view.
UPSELL_ADMIN_SIGN_IN = None

# A Redis of its own for the job queue; None: REDIS_URL, unless that is a cluster, on which RQ cannot run.
UPSELL_QUEUE_URL = None

# Name of the RQ queue; None: 'upsell' (or the instance's name).
UPSELL_QUEUE = None

# Whether the first widget of a page brings our stylesheet and script.
UPSELL_ASSETS = True

# A function that returns the nonce of this response, where the store's CSP needs one.
UPSELL_CSP_NONCE = None

# A function that sends a mail (flask_upsell.FollowUp) some days after an order; None: nobody is written to.
UPSELL_FOLLOW_UP = None

# How many days after an order that mail is due.
UPSELL_FOLLOW_UP_DAYS = 7

# What links in mails begin with, such as 'https://shop.example'; needed with FOLLOW_UP.
UPSELL_SITE_URL = None
