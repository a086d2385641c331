"""The till: what changes a shopper's cart, and what an order gets of it."""

from .accepting import Till as Till
from .clicks import Clicks as Clicks
from .discounts import Discounts as Discounts
from .pseudonyms import Pseudonyms as Pseudonyms
from .record import PriceRecord as PriceRecord
from .wanted import DECLINED as DECLINED
from .wanted import Outcome as Outcome
from .wanted import Piece as Piece
from .wanted import Wanted as Wanted
