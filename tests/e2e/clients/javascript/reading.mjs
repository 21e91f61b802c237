// What is read, in which order, how much of it, and in which form.
const ships = (db, columns = "id") => db.from("ships").select(columns).order("id");
const ids = (...numbers) => numbers.map((id) => ({ id }));
const log = "Captain's log, 100%";
const thrown = async (call) => {
  try {
    return { data: await call.throwOnError() };
  } catch (error) {
    return { error, data: [error instanceof Error, error.name] };
  }
};
const texts = async (call, ...parts) => {
  const { data, error, status } = await call;
  return { error, status, data: parts.map((part) => String(JSON.stringify(data)).includes(part)) };
};

export default [
  ["everything", (db) => db.from("ports").select().eq("id", 2), [{ id: 2, name: "Mumbai", country: "IN" }]],
  ["columns", (db) => db.from("ports").select("name, country").eq("id", 4), [{ name: "Lisbon", country: "PT" }]],
  ["an alias", (db) => db.from("ports").select("harbour:name").eq("id", 4), [{ harbour: "Lisbon" }]],
  ["a cast", (db) => ships(db, "tonnage::text").eq("id", 1), [{ tonnage: "5000" }]],
  ["an alias and a cast", (db) => ships(db, "t:tonnage::float8,length::int").eq("id", 1), [{ t: 5000, length: 121 }]],
  [
    "types",
    (db) => ships(db, "length,tags,berth,built,ice_class").eq("id", 5),
    [{ length: 90, tags: ["ferry", "night, slow"], berth: "[31,41)", built: "2001-01-01", ice_class: true }],
  ],
  ["JSON", (db) => ships(db, "papers").eq("id", 5), [{ papers: { flag: "PT", retired: null } }]],
  [
    "JSON paths",
    (db) => ships(db, "papers->owner->>name,papers->owner->since").eq("id", 1),
    [{ name: "Nord", since: 1999 }],
  ],
  [
    "a JSON path with an alias",
    (db) => ships(db, "first:papers->calls->0,papers->>flag").eq("id", 1),
    [{ first: 1, flag: "DE" }],
  ],
  ["a JSON path with a cast", (db) => ships(db, "n:papers->calls->>1::int").eq("id", 1), [{ n: 2 }]],
  [
    "names with blanks and signs",
    (db) => db.from(log).select('"Entry no.","the text"').order('"Entry no."'),
    [
      { "Entry no.": 1, "the text": "All well" },
      { "Entry no.": 2, "the text": "Fog, wind; rain" },
    ],
  ],
  [
    "a filter on such a name",
    (db) => db.from(log).select().eq("the text", "Fog, wind; rain").limit(1),
    [{ "Entry no.": 2, "the text": "Fog, wind; rain" }],
  ],
  [
    "a view",
    (db) => db.from("sailing_ships").select("id,name").order("id"),
    [
      { id: 1, name: "Aurora" },
      { id: 4, name: "Deepa" },
    ],
  ],
  ["descending", (db) => db.from("ships").select("id").order("length", { ascending: false }), ids(2, 1, 5, 3, 4)],
  ["nulls come last, ascending", (db) => db.from("ships").select("id").order("tonnage"), ids(4, 5, 1, 2, 3)],
  ["nulls first", (db) => db.from("ships").select("id").order("tonnage", { nullsFirst: true }), ids(3, 4, 5, 1, 2)],
  [
    "descending, nulls last",
    (db) => db.from("ships").select("id").order("tonnage", { ascending: false, nullsFirst: false }),
    ids(2, 1, 5, 4, 3),
  ],
  [
    "by several",
    (db) => db.from("ships").select("id").order("state").order("id", { ascending: false }),
    ids(5, 2, 4, 1, 3),
  ],
  ["by a JSON path", (db) => db.from("ships").select("id").order("papers->>flag").order("id"), ids(1, 3, 2, 5, 4)],
  ["limit", (db) => ships(db).limit(2), ids(1, 2)],
  ["limit of nothing", (db) => ships(db).limit(0), []],
  ["range", (db) => ships(db).range(1, 2), ids(2, 3)],
  ["a range that ends beyond", (db) => ships(db).range(3, 10), ids(4, 5)],
  [
    "a range of many with their count",
    (db) => db.from("ships").select("id", { count: "exact" }).order("id").range(1, 2),
    {
      data: ids(2, 3),
      count: 5,
      status: 206,
    },
  ],
  [
    "a range beyond the end",
    (db) => db.from("ships").select("id", { count: "exact" }).range(10, 12),
    { code: "PGRST103", status: 416 },
  ],
  [
    "count, exact",
    (db) => db.from("ships").select("id", { count: "exact" }).eq("state", "moored").order("id"),
    { data: ids(2, 5), count: 2, status: 200 },
  ],
  [
    "count, planned",
    (db) => db.from("ships").select("id", { count: "planned" }).limit(1).order("id"),
    { data: ids(1), count: 5, status: 206 },
  ],
  [
    "count, estimated",
    (db) => db.from("ships").select("id", { count: "estimated" }).limit(1).order("id"),
    { data: ids(1), count: 5 },
  ],
  ["head", (db) => db.from("ships").select("*", { head: true }), { data: null, count: null, status: 200 }],
  ["head with a count", (db) => db.from("ships").select("*", { head: true, count: "exact" }), { data: null, count: 5 }],
  [
    "head with a planned count",
    (db) => db.from("ships").select("*", { head: true, count: "planned" }),
    { data: null, count: 5 },
  ],
  // An answer to HEAD has no body: the client takes such a 404 for a success without rows.
  ["head of what is not there", (db) => db.from("nowhere").select("*", { head: true }), { data: null, status: 204 }],
  ["single", (db) => ships(db).eq("id", 3).single(), { data: { id: 3 }, status: 200 }],
  ["single of none", (db) => ships(db).eq("id", 99).single(), { code: "PGRST116", status: 406, data: null }],
  ["single of several", (db) => ships(db).single(), { code: "PGRST116", status: 406 }],
  ["maybeSingle", (db) => ships(db).eq("id", 3).maybeSingle(), { data: { id: 3 } }],
  ["maybeSingle of none", (db) => ships(db).eq("id", 99).maybeSingle(), { data: null, status: 200 }],
  ["maybeSingle of several", (db) => ships(db).maybeSingle(), { code: "PGRST116" }],
  [
    "CSV",
    (db) => db.from("ships").select("id,name,tonnage").in("id", [3, 5]).order("id").csv(),
    'id,name,tonnage\n3,Cutty,\n5,"Esmé, ""the grey""",2500',
  ],
  ["CSV of none", (db) => db.from("ships").select("id").eq("id", 99).csv(), "\n"],
  ["nulls stripped", (db) => ships(db, "id,tonnage,home_id").eq("id", 3).stripNulls(), [{ id: 3 }]],
  [
    "nulls stripped from one",
    (db) => ships(db, "id,tonnage,state").eq("id", 3).single().stripNulls(),
    { data: { id: 3, state: "scrapped" } },
  ],
  ["explain as text", (db) => texts(ships(db).eq("id", 1).explain(), "Aggregate", "ships"), [true, true]],
  [
    "explain as JSON",
    (db) => texts(ships(db).explain({ format: "json", verbose: true }), '"Plan"', '"Output"'),
    [true, true],
  ],
  [
    "explain and run",
    (db) =>
      texts(
        ships(db).explain({ analyze: true, buffers: true, settings: true, wal: true }),
        "actual time",
        "Execution Time",
      ),
    [true, true],
  ],
  ["overrideTypes", (db) => ships(db).eq("id", 1).overrideTypes(), ids(1)],
  ["returns", (db) => ships(db).eq("id", 1).returns(), ids(1)],
  ["a header of one's own", (db) => ships(db).eq("id", 1).setHeader("X-Client-Info", "harbour"), ids(1)],
  ["a signal", (db) => ships(db).eq("id", 1).abortSignal(new AbortController().signal), ids(1)],
  [
    "another schema",
    (db) => db.schema("office").from("bills").select().order("id"),
    [
      { id: 1, amount: 12.5 },
      { id: 2, amount: 7.5 },
    ],
  ],
  [
    "a schema that is not exposed",
    (db) => db.schema("pg_catalog").from("pg_class").select(),
    { code: "PGRST106", status: 406 },
  ],
  ["a column that is not there", (db) => ships(db, "colour"), { code: "42703", status: 400 }],
  ["a value of another type", (db) => ships(db).eq("id", "one"), { code: "22P02", status: 400 }],
  ["an operator that is not there", (db) => ships(db).filter("id", "near", 1), { code: "PGRST100", status: 400 }],
  ["an error is thrown", (db) => thrown(ships(db, "colour")), { code: "42703", data: [true, "PostgrestError"] }],
  ["none is thrown where none is", (db) => ships(db).eq("id", 1).throwOnError(), ids(1)],
  ["count of all", (db) => db.from("ships").select("count()"), [{ count: 5 }]],
  [
    "aggregates",
    (db) => db.from("ships").select("tonnage.sum(),longest:length.max(),tonnage.min(),n:tonnage.count()"),
    [{ sum: 20300, longest: 180, min: 800, n: 4 }],
  ],
  [
    "aggregates of groups",
    (db) => db.from("ships").select("state,tonnage.sum()").order("state"),
    [
      { state: "moored", sum: 14500 },
      { state: "sailing", sum: 5800 },
      { state: "scrapped", sum: null },
    ],
  ],
  ["an aggregate with a cast", (db) => db.from("ships").select("tonnage.avg()::int"), [{ avg: 5075 }]],
  ["what a policy shows", (db) => db.from("diary").select("note"), []],
];
