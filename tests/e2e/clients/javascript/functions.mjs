// Functions: every way to call one, and what may be done with a result.
export default [
  ["rpc", (db) => db.rpc("knots", { miles: 25, hours: 2 }), { data: 12.5, status: 200 }],
  ["rpc with a default", (db) => db.rpc("knots", { miles: 9 }), 4.5],
  ["rpc by GET", (db) => db.rpc("knots", { miles: 30, hours: 4 }, { get: true }), 7.5],
  ["rpc by GET with a default", (db) => db.rpc("knots", { miles: 9 }, { get: true }), 4.5],
  ["rpc by HEAD", (db) => db.rpc("knots", { miles: 9 }, { head: true }), { data: null, status: 200 }],
  [
    "rpc without parameters",
    (db) => db.rpc("flags"),
    [
      { flag: "DE", ships: 1 },
      { flag: "GB", ships: 1 },
      { flag: "IN", ships: 1 },
      { flag: "PT", ships: 1 },
    ],
  ],
  ["rpc of nothing", (db) => db.rpc("ring"), { data: null, status: 204 }],
  ["rpc with an array", (db) => db.rpc("longest", { ids: [1, 4, 5] }), "Aurora"],
  ["rpc by GET with an array", (db) => db.rpc("longest", { ids: [4, 5] }, { get: true }), 'Esmé, "the grey"'],
  ["rpc, variadic", (db) => db.rpc("total", { amounts: [1, 2, 39] }), 42],
  ["rpc with one JSON", (db) => db.rpc("repeated", { a: { b: "é" } }), [{ a: { b: "é" } }, { a: { b: "é" } }]],
  ["rpc, one of two", (db) => db.rpc("draught", { load: 3 }), "3 m"],
  ["rpc, the other of two", (db) => db.rpc("draught", { load: 3, unit: "ft" }), "3 ft"],
  ["rpc, neither of two", (db) => db.rpc("draught", { weight: 3 }), { code: "PGRST202", status: 404 }],
  ["rpc of what is not there", (db) => db.rpc("knotz", { miles: 1 }), { code: "PGRST202", status: 404 }],
  [
    "rpc of rows",
    (db) => db.rpc("ships_of", { land: "IN" }).select("id,name").order("id"),
    [
      { id: 2, name: "Brahma" },
      { id: 4, name: "Deepa" },
    ],
  ],
  [
    "rpc of rows with filters",
    (db) => db.rpc("ships_of", { land: "IN" }).eq("state", "sailing").select("name,state"),
    [{ name: "Deepa", state: "sailing" }],
  ],
  [
    "rpc of rows, by GET, with filters",
    (db) => db.rpc("ships_of", { land: "IN" }, { get: true }).select("name").gt("tonnage", 800),
    [{ name: "Brahma" }],
  ],
  [
    "rpc of rows with order, limit and range",
    (db) => db.rpc("ships_of", { land: "IN" }).select("id").order("id", { ascending: false }).range(0, 0),
    [{ id: 4 }],
  ],
  [
    "rpc of rows with an embedded one",
    (db) => db.rpc("ships_of", { land: "DE" }).select("name,certificates(number)"),
    [{ name: "Aurora", certificates: { number: "C-1" } }],
  ],
  [
    "rpc of rows with a cast and an alias",
    (db) => db.rpc("ships_of", { land: "DE" }).select("t:tonnage::text"),
    [{ t: "5000" }],
  ],
  [
    "rpc of rows with an aggregate",
    (db) => db.rpc("ships_of", { land: "IN" }).select("tonnage.sum()"),
    [{ sum: 12800 }],
  ],
  [
    "rpc of rows with a count",
    (db) => db.rpc("ships_of", { land: "IN" }, { count: "exact" }).select("id").order("id").limit(1),
    { data: [{ id: 2 }], count: 2 },
  ],
  [
    "rpc of rows, by HEAD, with a count",
    (db) => db.rpc("ships_of", { land: "IN" }, { head: true, count: "exact" }),
    { data: null, count: 2 },
  ],
  ["rpc of rows, single", (db) => db.rpc("ships_of", { land: "PT" }).select("id").single(), { data: { id: 5 } }],
  ["rpc of rows, maybeSingle", (db) => db.rpc("ships_of", { land: "XX" }).select("id").maybeSingle(), { data: null }],
  ["rpc of rows, CSV", (db) => db.rpc("flags").csv(), "flag,ships\nDE,1\nGB,1\nIN,1\nPT,1"],
  [
    "rpc that writes",
    (db) => db.rpc("stow", { label: "js-rpc", weight: 3 }).select("label,weight"),
    { data: { label: "js-rpc", weight: 3 }, status: 200 },
  ],
  [
    "rpc that writes, by GET",
    (db) => db.rpc("stow", { label: "js-get", weight: 3 }, { get: true }),
    { code: "25006", status: 405 },
  ],
  [
    "rpc that writes, rolled back",
    (db) =>
      db
        .rpc("unload", { labels: ["js-rpc"] })
        .select("label")
        .rollback(),
    [{ label: "js-rpc" }],
  ],
  [
    "rpc that writes too many",
    (db) => db.rpc("unload", { labels: ["js-rpc"] }).maxAffected(0),
    { code: "PGRST124", status: 400 },
  ],
  [
    "rpc that writes few enough",
    (db) =>
      db
        .rpc("unload", { labels: ["js-rpc"] })
        .select("label")
        .maxAffected(1),
    [{ label: "js-rpc" }],
  ],
  [
    "rpc that raises",
    (db) => db.rpc("refuse", { reason: "No berth" }),
    { code: "PT402", status: 402, details: "Harbour dues", hint: "Pay first" },
  ],
  ["rpc that looks at the request", (db) => db.rpc("method", {}, { get: true }), "GET"],
  ["rpc of another schema", (db) => db.schema("office").rpc("owed"), 20],
  ["rpc with a value of another type", (db) => db.rpc("knots", { miles: "far" }), { code: "22P02", status: 400 }],
];
