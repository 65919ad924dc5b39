/** The MongoDB examples of the page "Writing a check", as they stand there: a list of checks. */
export const MONGO_EXAMPLES = `- id: open-orders
  summary_find:
    database: app
    collection: orders
    filter: { "status": "open" }
  expect: "n > 0"
- id: orders-total
  summary_find:
    database: app
    collection: orders
    aggregate:
      - { $match: { status: "open" } }
      - { $group: { _id: null, n: { $sum: 1 }, total: { $sum: "$amount" } } }
      - { $project: { ok: { $cond: [{ $and: [{ $gt: ["$total", 10000] }, { $gt: ["$n", 50] }] }, 1, 0] } } }
  expect: "ok == 1"
- id: app-collections
  summary_find:
    database: app
    list_collections: true
  expect: "n >= 4"
`;
