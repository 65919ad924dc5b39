-- The demonstration's database: a shop of 260,000 rows, made the same way every time.
CREATE TYPE order_status AS ENUM ('open', 'paid', 'shipped', 'returned');
CREATE DOMAIN email AS text CHECK (VALUE ~ '^[^@\s]+@[^@\s]+$');

CREATE TABLE currencies (
  code char(3) PRIMARY KEY,
  name text NOT NULL,
  digits smallint NOT NULL
);

CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key uuid NOT NULL UNIQUE,
  name text NOT NULL,
  email email NOT NULL,
  tags text[] NOT NULL,
  last_seen inet,
  joined_at timestamptz NOT NULL
);

CREATE TABLE products (
  id integer PRIMARY KEY,
  title text NOT NULL,
  price numeric(12, 4) NOT NULL,
  details jsonb NOT NULL,
  picture bytea,
  on_sale daterange,
  words tsvector GENERATED ALWAYS AS (to_tsvector('simple', title)) STORED
);

CREATE TABLE orders (
  id bigint PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers,
  status order_status NOT NULL,
  currency char(3) NOT NULL REFERENCES currencies,
  created_at timestamptz NOT NULL
) PARTITION BY RANGE (id);
CREATE TABLE orders_old PARTITION OF orders FOR VALUES FROM (0) TO (30001);
CREATE TABLE orders_new PARTITION OF orders FOR VALUES FROM (30001) TO (MAXVALUE);

CREATE TABLE order_items (
  order_id bigint NOT NULL REFERENCES orders,
  line smallint NOT NULL,
  product_id integer NOT NULL REFERENCES products,
  quantity integer NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (order_id, line)
);

CREATE TABLE payments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id bigint NOT NULL REFERENCES orders,
  amount numeric(14, 2) NOT NULL,
  paid_at timestamptz NOT NULL
);

SELECT setseed(0.42);

INSERT INTO currencies
SELECT chr(65 + n / 26) || chr(65 + n % 26) || 'X', 'Currency ' || n, n % 4 FROM generate_series(0, 159) AS n;

INSERT INTO customers (key, name, email, tags, last_seen, joined_at)
SELECT md5(n::text)::uuid,
  (ARRAY['Zoë', 'Jürgen', 'Анна', '明', 'José', 'Siân'])[1 + n % 6] || ' ' || n,
  'customer' || n || '@shop.example',
  ARRAY['tier-' || n % 3, 'since-' || 2015 + n % 10],
  ('192.0.2.' || n % 255)::inet,
  now() - n * interval '1 hour'
FROM generate_series(1, 20000) AS n;

INSERT INTO products (id, title, price, details, picture, on_sale)
SELECT n, 'Product № ' || n, (random() * 500)::numeric(12, 4),
  jsonb_build_object('weight', n * 10, 'colours', ARRAY['red', 'blue']),
  decode(md5(n::text), 'hex'),
  daterange(date '2026-01-01' + n % 300, date '2026-01-15' + n % 300)
FROM generate_series(1, 500) AS n;

INSERT INTO orders
SELECT n, 1 + (random() * 19999)::int, (enum_range(NULL::order_status))[1 + n % 4],
  chr(65 + (n % 160) / 26) || chr(65 + (n % 160) % 26) || 'X',
  now() - (60000 - n) * interval '2 minutes'
FROM generate_series(1, 60000) AS n;

INSERT INTO order_items
SELECT o.id, line, 1 + (random() * 499)::int, 1 + (random() * 4)::int
FROM orders AS o, generate_series(1, 2) AS line;

INSERT INTO payments (order_id, amount, paid_at)
SELECT id, (random() * 1000)::numeric(14, 2), created_at + interval '5 minutes' FROM orders;

CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (created_at);
CREATE INDEX ON products USING gin (words);
CREATE MATERIALIZED VIEW revenue AS
SELECT date_trunc('day', paid_at) AS day, sum(amount) AS amount FROM payments GROUP BY 1;
CREATE VIEW open_orders AS SELECT * FROM orders WHERE status = 'open';
