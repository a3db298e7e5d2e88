"""The columns of Mandate's own format: one declaration that everything else agrees with."""

import io

import pytest

from inventory.importers import own_format
from inventory.importers.base import SourceFile
from inventory.importers.csv_file import CsvFiles
from inventory.importers.own_format import COLUMNS, NOUNS, holds_secrets, noun_of, template_csv
from inventory.importers.records import Rejected, Row
from inventory.models import (
    Credential,
    Delegation,
    Environment,
    Identity,
    Person,
    Resource,
    Risk,
    ToolBinding,
)


@pytest.mark.parametrize("noun", NOUNS)
def test_a_template_can_be_imported_as_it_is(noun: str) -> None:
    file = SourceFile("download.csv", io.BytesIO(template_csv(noun).encode()))

    said = list(CsvFiles().rows([file]))

    assert [each for each in said if isinstance(each, Row)]
    assert not [each for each in said if isinstance(each, Rejected)]


@pytest.mark.parametrize("noun", NOUNS)
def test_every_column_is_explained_and_every_required_one_has_an_example(noun: str) -> None:
    for column in COLUMNS[noun]:
        assert column.help
        assert column.example or not column.required
        assert not column.example or column.read(column.example) is not None


@pytest.mark.parametrize("noun", NOUNS)
def test_a_full_header_means_its_noun_whatever_the_file_is_called(noun: str) -> None:
    for name in ("export.csv", "Download 1.csv", f"{noun}-2026.csv"):
        assert noun_of([column.name for column in COLUMNS[noun]], name) == noun


def test_a_header_that_two_nouns_could_mean_is_settled_by_the_files_first_word() -> None:
    assert noun_of(["id", "name"], "export.csv") == "teams"
    assert noun_of(["id", "name"], "identities.csv") == "identities"


def test_the_choices_are_those_of_the_models() -> None:
    assert set(own_format.KINDS) == set(Identity.Kind.values)
    assert set(own_format.LIFECYCLES) == set(Identity.Lifecycle.values)
    assert set(own_format.CREDENTIAL_KINDS) == set(Credential.Kind.values)
    assert set(own_format.ENVIRONMENTS) == set(Environment.values)
    assert set(own_format.RISKS) == set(Risk.values)
    assert set(own_format.SENSITIVITIES) == set(Resource.Sensitivity.values)
    assert set(own_format.STATUSES) == set(Person.Status.values)
    assert set(own_format.HOWS) == set(Delegation.How.values)
    assert set(own_format.ORIGINS) == set(ToolBinding.Origin.values)


@pytest.mark.parametrize(
    "name", ["secret", "client_secret", "password", "token_value", "private_key", "api_key"]
)
def test_names_of_secret_columns_are_known(name: str) -> None:
    assert holds_secrets(name)


def test_no_column_of_ours_is_named_like_a_secret() -> None:
    assert not [
        column.name for noun in NOUNS for column in COLUMNS[noun] if holds_secrets(column.name)
    ]
