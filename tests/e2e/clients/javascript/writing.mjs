// What is written. Each call takes up what the one before has left; in the end nothing is.
const crates = (db) => db.from("crates");
const labels = (call) => call.select("label,weight").order("label");
const mine = (db) => labels(crates(db)).like("label", "js-%");
// What the calls below leave, before the last of them.
const left = { a: 8, b: 21, d: 10, e: 10, h: 1, i: null, j: 1, k: 10, l: 10, m: 10, n: 7, o: 9, p: 3, q: 10, r: 4 };

export default [
  ["insert", (db) => crates(db).insert({ id: 101, label: "js-a", weight: 5 }), { data: null, status: 201 }],
  [
    "insert with select",
    (db) => crates(db).insert({ id: 102, label: "js-b" }).select(),
    {
      status: 201,
      data: [{ id: 102, label: "js-b", weight: 10, contents: null, ship_id: null }],
    },
  ],
  [
    "insert with some columns",
    (db) =>
      crates(db)
        .insert({ id: 103, label: "js-c", contents: { tea: [1, "é"] } })
        .select("c:contents->tea->1"),
    [{ c: "é" }],
  ],
  [
    "insert and single",
    (db) => crates(db).insert({ id: 104, label: "js-d", ship_id: 2 }).select("id,ships(name)").single(),
    {
      data: { id: 104, ships: { name: "Brahma" } },
    },
  ],
  [
    "insert with a key that the database makes",
    (db) => crates(db).insert({ label: "js-e" }).select("label").single(),
    { data: { label: "js-e" }, status: 201 },
  ],
  [
    "insert of many",
    (db) =>
      crates(db)
        .insert([
          { label: "js-f", weight: 1 },
          { label: "js-g", weight: 2 },
        ])
        .select("label,weight"),
    [
      { label: "js-f", weight: 1 },
      { label: "js-g", weight: 2 },
    ],
  ],
  [
    "insert of many that differ",
    (db) => labels(crates(db).insert([{ label: "js-h", weight: 1 }, { label: "js-i" }])),
    [
      { label: "js-h", weight: 1 },
      { label: "js-i", weight: null },
    ],
  ],
  [
    "insert of many that differ, with the defaults",
    (db) => labels(crates(db).insert([{ label: "js-j", weight: 1 }, { label: "js-k" }], { defaultToNull: false })),
    [
      { label: "js-j", weight: 1 },
      { label: "js-k", weight: 10 },
    ],
  ],
  [
    "insert with a count",
    (db) => crates(db).insert([{ label: "js-l" }, { label: "js-m" }], { count: "exact" }),
    { data: null, count: 2, status: 201 },
  ],
  ["insert of none", (db) => crates(db).insert([]).select(), []],
  ["insert of what is there", (db) => crates(db).insert({ id: 101, label: "js-x" }), { code: "23505", status: 409 }],
  [
    "insert for a ship that is not there",
    (db) => crates(db).insert({ label: "js-x", ship_id: 99 }),
    { code: "23503", status: 409 },
  ],
  ["insert without what must be", (db) => crates(db).insert({ weight: 1 }), { code: "23502", status: 400 }],
  [
    "insert into a column that is not there",
    (db) => crates(db).insert({ label: "js-x", colour: "red" }),
    { status: 400, code: "PGRST204" },
  ],
  ["insert, rolled back", (db) => crates(db).insert({ label: "js-y" }).select("label").rollback(), [{ label: "js-y" }]],
  ["it is not there", (db) => crates(db).select("label").eq("label", "js-y"), []],

  [
    "upsert",
    (db) => crates(db).upsert({ id: 101, label: "js-a", weight: 6 }).select("id,weight"),
    [{ id: 101, weight: 6 }],
  ],
  [
    "upsert of one that is new",
    (db) => crates(db).upsert({ id: 105, label: "js-n", weight: 7 }).select("id,weight"),
    [{ id: 105, weight: 7 }],
  ],
  [
    "upsert of many, with a count",
    (db) =>
      crates(db).upsert(
        [
          { id: 101, label: "js-a", weight: 8 },
          { id: 106, label: "js-o", weight: 9 },
        ],
        { count: "exact" },
      ),
    {
      count: 2,
      data: null,
    },
  ],
  [
    "upsert by another key",
    (db) => crates(db).upsert({ label: "js-b", weight: 11 }, { onConflict: "label" }).select("id,weight"),
    [{ id: 102, weight: 11 }],
  ],
  [
    "upsert, duplicates ignored",
    (db) =>
      labels(
        crates(db).upsert(
          [
            { label: "js-b", weight: 99 },
            { label: "js-p", weight: 3 },
          ],
          { onConflict: "label", ignoreDuplicates: true },
        ),
      ),
    [{ label: "js-p", weight: 3 }],
  ],
  [
    "upsert with the defaults",
    (db) =>
      labels(
        crates(db).upsert(
          [
            { id: 107, label: "js-q" },
            { id: 108, label: "js-r", weight: 4 },
          ],
          { defaultToNull: false },
        ),
      ),
    [
      { label: "js-q", weight: 10 },
      { label: "js-r", weight: 4 },
    ],
  ],
  [
    "upsert with a key of two columns",
    (db) =>
      db.from("stocks").upsert([
        { port_id: 101, item: "tea", amount: 1 },
        { port_id: 101, item: "salt", amount: 2 },
      ]),
    { data: null },
  ],
  [
    "upsert of it once more",
    (db) =>
      db
        .from("stocks")
        .upsert({ port_id: 101, item: "tea", amount: 3 }, { onConflict: "port_id,item" })
        .select("amount"),
    [{ amount: 3 }],
  ],

  ["update", (db) => crates(db).update({ weight: 20 }).eq("id", 102), { data: null, status: 204 }],
  [
    "update with select",
    (db) => crates(db).update({ weight: 21 }).eq("id", 102).select("id,weight"),
    { data: [{ id: 102, weight: 21 }], status: 200 },
  ],
  [
    "update with a count",
    (db) => crates(db).update({ contents: {} }, { count: "exact" }).in("id", [101, 102, 103]),
    { count: 3 },
  ],
  ["update of none", (db) => crates(db).update({ weight: 1 }).eq("id", 99).select(), { data: [], status: 200 }],
  [
    "update of none, single",
    (db) => crates(db).update({ weight: 1 }).eq("id", 99).select().single(),
    { code: "PGRST116", status: 406 },
  ],
  [
    "update by a filter with or",
    (db) => labels(crates(db).update({ weight: 30 }).or("label.eq.js-f,label.eq.js-g")),
    [
      { label: "js-f", weight: 30 },
      { label: "js-g", weight: 30 },
    ],
  ],
  [
    "update with what is embedded",
    (db) => crates(db).update({ ship_id: 4 }).eq("id", 104).select("ships(name,voyages(tons))"),
    [{ ships: { name: "Deepa", voyages: [{ tons: 5 }] } }],
  ],
  [
    "update, rolled back",
    (db) => crates(db).update({ weight: 1 }).eq("id", 101).select("weight").rollback(),
    [{ weight: 1 }],
  ],
  ["it is as before", (db) => crates(db).select("weight").eq("id", 101).single(), { data: { weight: 8 } }],
  [
    "update of few enough",
    (db) => crates(db).update({ weight: 31 }).in("label", ["js-f", "js-g"]).maxAffected(2),
    { status: 204 },
  ],
  [
    "update of too many",
    (db) => crates(db).update({ weight: 32 }).like("label", "js-%").maxAffected(2),
    { code: "PGRST124", status: 400 },
  ],
  ["none was updated", (db) => crates(db).select("label").eq("weight", 32), []],

  ["a row of one's own", (db) => db.from("diary").insert({ id: 101, note: "mine" }), { status: 201 }],
  ["of which a policy shows no other", (db) => db.from("diary").select("note"), [{ note: "mine" }]],
  [
    "and lets none be made",
    (db) => db.from("diary").insert({ id: 102, note: "x", author: "somebody else" }),
    { code: "42501", status: 403 },
  ],
  [
    "a write where only reading is let",
    (db) => db.from("sailing_ships").insert({ id: 1 }),
    { code: "23502", status: 400 },
  ],

  ["delete", (db) => db.from("diary").delete().eq("id", 101), { data: null, status: 204 }],
  ["delete with select", (db) => crates(db).delete().eq("id", 103).select("id,label"), [{ id: 103, label: "js-c" }]],
  [
    "delete with a count",
    (db) => crates(db).delete({ count: "exact" }).in("label", ["js-f", "js-g"]),
    { count: 2, data: null },
  ],
  ["delete of too many", (db) => crates(db).delete().like("label", "js-%").maxAffected(1), { code: "PGRST124" }],
  ["delete, rolled back", (db) => crates(db).delete().eq("id", 101).select("id").rollback(), [{ id: 101 }]],
  ["what there is", mine, Object.entries(left).map(([letter, weight]) => ({ label: `js-${letter}`, weight }))],
  ["delete of the rest", (db) => crates(db).delete().like("label", "js-%"), { status: 204 }],
  [
    "delete by two columns",
    (db) => db.from("stocks").delete({ count: "exact" }).eq("port_id", 101).in("item", ["tea", "salt"]),
    { count: 2 },
  ],
];
