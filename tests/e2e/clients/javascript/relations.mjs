// What hangs together by foreign keys, a view, or a function.
const ships = (db, columns) => db.from("ships").select(columns).order("id");

export default [
  [
    "to one, by its column",
    (db) => ships(db, "id,ports!home_id(name)").lt("id", 4),
    [
      { id: 1, ports: { name: "Hamburg" } },
      { id: 2, ports: { name: "Mumbai" } },
      { id: 3, ports: null },
    ],
  ],
  [
    "to one, by its key, with an alias",
    (db) => ships(db, "home:ports!ships_home_id_fkey(name)").eq("id", 1),
    [{ home: { name: "Hamburg" } }],
  ],
  [
    "to one, named by the column",
    (db) => ships(db, "yard_id(name,country)").eq("id", 2),
    [{ yard_id: { name: "Kochi", country: "IN" } }],
  ],
  [
    "two to the same table",
    (db) => ships(db, "name,home:ports!home_id(name),yard:ports!yard_id(name)").eq("id", 2),
    [{ name: "Brahma", home: { name: "Mumbai" }, yard: { name: "Kochi" } }],
  ],
  ["which of two is not said", (db) => ships(db, "ports(name)"), { code: "PGRST201", status: 300 }],
  ["none at all", (db) => ships(db, "sailors_of_old(name)"), { code: "PGRST200", status: 400 }],
  [
    "to one, from the many",
    (db) => db.from("voyages").select("id,ships(name),ports(name)").eq("id", 4),
    [{ id: 4, ships: { name: "Brahma" }, ports: { name: "Hamburg" } }],
  ],
  [
    "to many",
    (db) => ships(db, "name,voyages(id,tons)").in("id", [2, 3]).order("id", { referencedTable: "voyages" }),
    [
      { name: "Brahma", voyages: [{ id: 4, tons: 700 }] },
      { name: "Cutty", voyages: [] },
    ],
  ],
  [
    "to many, everything",
    (db) => ships(db, "id,voyages(*)").eq("id", 4),
    [{ id: 4, voyages: [{ id: 5, ship_id: 4, port_id: 3, tons: 5, sailed: "2024-05-05T08:00:00+00:00" }] }],
  ],
  [
    "to one, from the one",
    (db) => ships(db, "id,certificates(number)").in("id", [2, 3]),
    [
      { id: 2, certificates: { number: "C-2" } },
      { id: 3, certificates: null },
    ],
  ],
  [
    "many to many",
    (db) => ships(db, "id,sailors(name)").eq("id", 1).order("name", { referencedTable: "sailors" }),
    [{ id: 1, sailors: [{ name: "Asha" }, { name: "Bilal" }] }],
  ],
  [
    "many to many, by the table between",
    (db) => db.from("sailors").select("name,ships!crews(name)").eq("id", 3),
    [{ name: "Chen", ships: [{ name: "Brahma" }] }],
  ],
  [
    "the table between itself",
    (db) => ships(db, "id,crews(since,sailors(name))").eq("id", 2),
    [{ id: 2, crews: [{ since: "2019-01-01", sailors: { name: "Chen" } }] }],
  ],
  [
    "itself",
    (db) => ships(db, "name,consort:consort_id(name)").in("id", [1, 2]),
    [
      { name: "Aurora", consort: null },
      { name: "Brahma", consort: { name: "Aurora" } },
    ],
  ],
  [
    "itself, the other way",
    (db) => ships(db, "name,followers:ships!consort_id(name)").in("id", [1, 5]),
    [
      { name: "Aurora", followers: [{ name: "Brahma" }] },
      { name: 'Esmé, "the grey"', followers: [] },
    ],
  ],
  [
    "inner",
    (db) => ships(db, "id,certificates!inner(number)"),
    [
      { id: 1, certificates: { number: "C-1" } },
      { id: 2, certificates: { number: "C-2" } },
    ],
  ],
  [
    "inner, by a hint, with a filter",
    (db) => ships(db, "id,ports!home_id!inner(name)").eq("ports.country", "IN"),
    [
      { id: 2, ports: { name: "Mumbai" } },
      { id: 4, ports: { name: "Mumbai" } },
    ],
  ],
  ["left, said", (db) => ships(db, "id,certificates!left(number)").eq("id", 5), [{ id: 5, certificates: null }]],
  [
    "a filter on what is embedded",
    (db) => ships(db, "id,voyages(tons)").eq("id", 1).gt("voyages.tons", 60),
    [{ id: 1, voyages: [{ tons: 100 }] }],
  ],
  [
    "or, on what is embedded",
    (db) =>
      ships(db, "id,voyages(id)")
        .eq("id", 1)
        .or("tons.eq.50,tons.is.null", { referencedTable: "voyages" })
        .order("id", { referencedTable: "voyages" }),
    [{ id: 1, voyages: [{ id: 2 }, { id: 3 }] }],
  ],
  [
    "order of what is embedded",
    (db) =>
      ships(db, "id,voyages(tons)")
        .eq("id", 1)
        .order("tons", { referencedTable: "voyages", ascending: false, nullsFirst: true }),
    [{ id: 1, voyages: [{ tons: null }, { tons: 100 }, { tons: 50 }] }],
  ],
  [
    "limit of what is embedded",
    (db) =>
      ships(db, "id,voyages(id)")
        .eq("id", 1)
        .order("id", { referencedTable: "voyages" })
        .limit(2, { referencedTable: "voyages" }),
    [{ id: 1, voyages: [{ id: 1 }, { id: 2 }] }],
  ],
  [
    "range of what is embedded",
    (db) =>
      ships(db, "id,voyages(id)")
        .eq("id", 1)
        .order("id", { referencedTable: "voyages" })
        .range(1, 1, { referencedTable: "voyages" }),
    [{ id: 1, voyages: [{ id: 2 }] }],
  ],
  [
    "order by what is embedded",
    (db) => db.from("voyages").select("id,ports(name)").order("ports(name)").order("id").limit(2),
    [
      { id: 4, ports: { name: "Hamburg" } },
      { id: 3, ports: { name: "Kochi" } },
    ],
  ],
  [
    "who has none",
    (db) => ships(db, "id,certificates(number)").is("certificates", null),
    [
      { id: 3, certificates: null },
      { id: 4, certificates: null },
      { id: 5, certificates: null },
    ],
  ],
  [
    "who has some, and not shown",
    (db) => ships(db, "id,certificates()").not("certificates", "is", null),
    [{ id: 1 }, { id: 2 }],
  ],
  [
    "several levels",
    (db) => db.from("ports").select("name,ships!home_id(name,voyages(tons,ports(name)))").eq("id", 4),
    [{ name: "Lisbon", ships: [{ name: 'Esmé, "the grey"', voyages: [] }] }],
  ],
  [
    "several levels, with a filter in the last",
    (db) => db.from("ports").select("name,ships!home_id(name,voyages(tons))").eq("id", 1).eq("ships.voyages.tons", 50),
    [{ name: "Hamburg", ships: [{ name: "Aurora", voyages: [{ tons: 50 }] }] }],
  ],
  [
    "spread",
    (db) => ships(db, "name,...ports!home_id(harbour:name,country)").in("id", [1, 3]),
    [
      { name: "Aurora", harbour: "Hamburg", country: "DE" },
      { name: "Cutty", harbour: null, country: null },
    ],
  ],
  [
    "spread, within what is embedded",
    (db) => ships(db, "id,crews(since,...sailors(name))").eq("id", 4),
    [{ id: 4, crews: [{ since: "2022-01-01", name: "Asha" }] }],
  ],
  [
    "the number of what is embedded",
    (db) => ships(db, "id,voyages(count)").in("id", [1, 3]),
    [
      { id: 1, voyages: [{ count: 3 }] },
      { id: 3, voyages: [{ count: 0 }] },
    ],
  ],
  [
    "a sum of what is embedded",
    (db) => ships(db, "id,voyages(tons.sum())").eq("id", 1),
    [{ id: 1, voyages: [{ sum: 150 }] }],
  ],
  [
    "a view to one",
    (db) => db.from("sailing_ships").select("name,ports(name)").eq("id", 1),
    [{ name: "Aurora", ports: { name: "Hamburg" } }],
  ],
  [
    "a view to many",
    (db) => db.from("sailing_ships").select("name,voyages(id)").eq("id", 4),
    [{ name: "Deepa", voyages: [{ id: 5 }] }],
  ],
  ["a computed column", (db) => ships(db, "titled").eq("id", 1), [{ titled: "Aurora (sailing)" }]],
  ["a filter on a computed column", (db) => ships(db, "id").eq("titled", "Cutty (scrapped)"), [{ id: 3 }]],
  [
    "a computed relationship",
    (db) => db.from("ports").select("name,fleet(id)").eq("id", 2).order("id", { referencedTable: "fleet" }),
    [{ name: "Mumbai", fleet: [{ id: 2 }, { id: 4 }] }],
  ],
];
