"""Rights in words that name no tenant: compared, narrowed to known roles, and written down."""

import json

from tenantry.domain.backup_facts import RightsFacts
from tenantry.domain.rights import (
    OWNER,
    PUBLIC,
    SELF,
    Entry,
    Rights,
    RoleNames,
    Thing,
    among,
    differing,
    from_facts,
    notable,
    to_facts,
)
from tenantry.domain.tenant import TenantId

TABLE = Thing("TABLE", "", ("salaries",))
ROUTINE = Thing("ROUTINE", "shown", ("pay",), ("@grade", "=integer[]"))
TO_VIEWER = Entry("@viewer", "SELECT", False, SELF)
TO_STRANGER = Entry("=reports", "SELECT", True, SELF)
RIGHTS = {
    TABLE: Rights(OWNER, frozenset({TO_VIEWER, TO_STRANGER})),
    ROUTINE: Rights(OWNER, revoked=frozenset({Entry(PUBLIC, "EXECUTE", False, SELF)})),
    Thing("TABLE", "", ("plain",)): Rights(OWNER),
}


def test_roles_have_the_same_words_in_every_tenant() -> None:
    acme, other = RoleNames(TenantId("acme")), RoleNames(TenantId("other"))
    assert other.role(acme.word("acme_viewer")) == "other_viewer"
    assert other.role(acme.word("acme_owner")) == "other_owner"
    assert other.role(acme.word("acme_login_b")) == "other_login_b"
    # Another tenant's role is a stranger's, and so is one that is called like a word.
    assert acme.word("other_viewer") == "=other_viewer"
    assert acme.role(acme.word("@viewer")) == "@viewer"
    assert (acme.word(None), acme.word("")) == (SELF, PUBLIC)


def test_what_is_written_down_is_read_back() -> None:
    written = json.loads(json.dumps(to_facts(RIGHTS)))
    facts = [RightsFacts.model_validate(group).model_dump() for group in written]
    assert from_facts(facts) == notable(RIGHTS)
    assert len(notable(RIGHTS)) == 2


def test_things_with_the_same_rights_are_written_once() -> None:
    many = {Thing("TABLE", "", (f"t{n}",)): RIGHTS[TABLE] for n in range(1000)}
    assert len(to_facts(many)) == 1
    assert from_facts(to_facts(many)) == many


def test_strangers_are_left_out() -> None:
    own = RoleNames(TenantId("acme")).own
    kept = among(RIGHTS | {Thing("DEFAULT", None, ("=app", "r")): RIGHTS[TABLE]}, own)
    assert kept[TABLE].granted == {TO_VIEWER}
    assert kept.keys() == {TABLE, ROUTINE}


def test_what_a_stranger_owns_becomes_the_owners() -> None:
    passed_on = Entry("@viewer", "SELECT", False, OWNER)
    lent = Rights("=app", frozenset({Entry(OWNER, "SELECT", True, SELF), passed_on}))
    kept = lent.among(RoleNames(TenantId("acme")).own | {"=app"})
    assert kept == Rights(OWNER, frozenset({TO_VIEWER}))


def test_a_difference_is_named() -> None:
    wider = {TABLE: Rights(OWNER, RIGHTS[TABLE].granted | {Entry("@editor", "DELETE", False, SELF)})}
    assert differing(RIGHTS, RIGHTS) == []
    assert differing(RIGHTS, RIGHTS | wider) == ["table salaries"]
    # What is not told is plain: the function is everybody's there.
    assert differing(RIGHTS, {TABLE: RIGHTS[TABLE]}) == ["routine shown.pay"]
