-- When and by whom each basket was bought.
-- in:  baskets
-- out: placed(order_no, customer, placed_at, size)

CREATE TABLE placed AS
SELECT order_no, customer, placed_at, size FROM baskets;
