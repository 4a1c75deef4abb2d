"""API paths work with and without a trailing slash; pages keep theirs."""

import pytest


@pytest.mark.parametrize("path", ["datasets", "auth/me", "auth/tokens", "jobs", "models", "training", "schema"])
def test_slash_makes_no_difference(path, api_as, alice):
    api = api_as(alice)
    assert api.get(f"/api/v1/{path}").status_code == api.get(f"/api/v1/{path}/").status_code == 200


def test_post_with_a_slash_is_not_redirected(api_as, alice):
    assert api_as(alice).post("/api/v1/datasets/", {"name": "Cells"}).status_code == 201


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1", "/api/v1//", "/api/v1/nothing/"])
def test_path_that_leads_nowhere_answers_404(path, api_as, alice):
    assert api_as(alice).get(path).status_code == 404


def test_page_without_its_slash_leads_to_the_one_with_it(page_as, alice):
    assert page_as(alice).get("/datasets").headers["Location"] == "/datasets/"
