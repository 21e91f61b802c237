import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.domain.errors import BadRequest, TenantSuspended, TenantUnknown
from tenantry.domain.tenant import Role, TenantId, check_served, database_role, owner_role

IDS = st.from_regex(r"[a-z][a-z0-9-]{1,28}[a-z0-9]", fullmatch=True)


@given(IDS)
def test_a_well_formed_id_is_kept_as_it_is(text: str) -> None:
    assert str(TenantId(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "ab",
            "A-company",
            "1company",
            "-company",
            "company-",
            "my_company",
            "my.company",
            "my company",
            "a" * 31,
        ),
        *("mycompany\n", "mycompany\x00", "../mycompany", "mycompany/*", 'x"; DROP ROLE y', "ünicode", "mycompany٣"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        TenantId(text)
    assert refusal.value.code == "invalid_tenant_id"


@given(IDS, IDS)
def test_roles_of_two_tenants_never_share_a_name(one: str, other: str) -> None:
    names = {database_role(TenantId(one), role) for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN)}
    others = {database_role(TenantId(other), role) for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN)}
    assert one == other or not names & others
    assert all(len(name.encode()) < 64 for name in names)


def test_an_operator_has_no_role_in_a_tenants_database() -> None:
    with pytest.raises(KeyError):
        database_role(TenantId("mycompany"), Role.OPERATOR)


def test_the_owner_is_what_an_admin_becomes() -> None:
    assert owner_role(TenantId("mycompany")) == "mycompany_owner"


def test_only_an_active_tenant_is_served() -> None:
    check_served("active")
    with pytest.raises(TenantSuspended):
        check_served("suspended")
    for status in ("", "unknown", "provisioning", "ACTIVE"):
        with pytest.raises(TenantUnknown):
            check_served(status)
