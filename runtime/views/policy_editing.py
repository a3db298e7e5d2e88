"""The editor of a draft, and its tests. Nothing that was typed is lost by checking or by an error."""

from collections.abc import Iterable

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from inventory import access
from inventory.rules import RuleBroken
from inventory.views.answers import Question, act, bound, user_of
from runtime import policies, policy_drafts, policy_lines
from runtime.models import PolicySetVersion, PolicyTest
from runtime.policies import Written
from runtime.policy_forms import TestForm, TextForm
from runtime.policy_list import named
from runtime.policy_text import Problem, parse
from runtime.policy_validation import validate
from runtime.views.policy_shown import tests_of

State = PolicySetVersion.State
EXAMPLE = """{
  "subject": {"type": "identity", "id": "1", "properties": {"tier": 1}},
  "action": {"name": "read"},
  "resource": {"type": "resource", "id": "1"},
  "context": {}
}"""


@require_http_methods(["GET", "POST"])
def policy_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The editor. What is posted with `act` "check" is only looked at; otherwise it is saved, also with problems in it:
    a draft may be unfinished, and what is not valid cannot go live."""
    version = _draft(request, pk)
    domain = version.policy_set.domain
    if request.method != "POST":
        first = {"text": version.text, "schema": version.schema, "note": version.note}
        return _editor(request, version, TextForm(domain=domain, initial=first))
    form = TextForm(request.POST, domain=domain)
    if not form.is_valid():
        return _refused(request, version, form)
    given = form.cleaned_data
    problems = validate(given["text"], domain=domain, schema=given.get("schema", ""))
    if request.POST.get("act") == "check":
        return _checked(request, version, form, problems)
    try:
        policies.edit(version, Written(**given), by=user_of(request), at=timezone.now())
    except RuleBroken as error:
        form.add_error(None, str(error))
        return _editor(request, version, form, problems, status=422)
    if problems:
        messages.warning(request, "Saved as a draft. It is not valid yet.")
        return redirect(f"{reverse('runtime:policy-edit', args=[pk])}?check=1")
    messages.success(request, "Saved as a draft.")
    back = "runtime:policy-edit" if request.POST.get("act") == "test" else "runtime:policy-version"
    return redirect(back, pk)


@require_http_methods(["GET", "POST"])
def policy_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """A new draft that begins with the text and the tests of this version; then it is in the editor."""
    user = user_of(request)
    access.require_security(user)
    base = get_object_or_404(PolicySetVersion.objects.select_related("policy_set"), pk=pk)
    if request.method == "POST":
        made = policy_drafts.draft_from(base, by=user, at=timezone.now())
        messages.success(request, f"Version {made.number} is a draft, made from {base.number}.")
        page = reverse("runtime:policy-edit", args=[made.pk])
        return HttpResponseClientRedirect(page) if _is_htmx(request) else redirect(page)
    text = f"A draft with the text and the tests of {named(base)}. What is live stays live."
    back = reverse("runtime:policy-version", args=[pk])
    question = Question("New version", text, "Create draft", back)
    return act(request, forms.Form(), question, str)


@require_http_methods(["GET", "POST"])
def test_new(request: HttpRequest, pk: int) -> HttpResponse:
    version = _draft(request, pk)
    form = _test_form(request, {"request": EXAMPLE})
    question = _test_question("Add test", version)

    def do() -> str:
        if version.tests.filter(name=form.cleaned_data["name"]).exists():
            raise RuleBroken("A test with this name is there already. Give it another name.")
        policies.put_test(version, **form.cleaned_data, by=user_of(request))
        return "The test is added."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def test_edit(request: HttpRequest, pk: int) -> HttpResponse:
    test, version = _test(request, pk)
    form = _test_form(request, TestForm.shown(test))
    question = _test_question("Change test", version)

    @transaction.atomic
    def do() -> str:
        """Tests go by their names: another name is another test in the place of this one."""
        name, user = form.cleaned_data["name"], user_of(request)
        if name != test.name:
            if version.tests.filter(name=name).exists():
                raise RuleBroken("A test with this name is there already. Give it another name.")
            policies.remove_test(test, by=user)
        policies.put_test(version, **form.cleaned_data, by=user)
        return "The test is changed."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def test_remove(request: HttpRequest, pk: int) -> HttpResponse:
    test, version = _test(request, pk)
    form = bound(forms.Form, request)
    question = Question(
        "Remove test", f"{named(version)} is no longer tested for: {test.name}.", "Remove",
        reverse("runtime:policy-version", args=[version.pk]), danger=True,
    )  # fmt: skip

    def do() -> str:
        policies.remove_test(test, by=user_of(request))
        return "The test is removed."

    return act(request, form, question, do)


def _draft(request: HttpRequest, pk: int) -> PolicySetVersion:
    """The version, for security, while it still is a draft; 404 afterwards."""
    access.require_security(user_of(request))
    rows = PolicySetVersion.objects.filter(state=State.DRAFT).select_related("policy_set", "base")
    return get_object_or_404(rows, pk=pk)


def _test(request: HttpRequest, pk: int) -> tuple[PolicyTest, PolicySetVersion]:
    access.require_security(user_of(request))
    rows = PolicyTest.objects.filter(version__state=State.DRAFT)
    test = get_object_or_404(rows.select_related("version__policy_set"), pk=pk)
    return test, test.version


def _test_form(request: HttpRequest, first: dict[str, object]) -> TestForm:
    return TestForm(request.POST) if request.method == "POST" else TestForm(initial=first)


def _test_question(title: str, version: PolicySetVersion) -> Question:
    text = "A request, and the answer that the policies must give to it on any day."
    return Question(title, text, "Save test", reverse("runtime:policy-version", args=[version.pk]))


def _editor(
    request: HttpRequest,
    version: PolicySetVersion,
    form: TextForm,
    problems: Iterable[Problem] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """The page; `problems` None means that nobody asked for a check."""
    if problems is None and request.GET.get("check"):
        problems = policies.problems_of(version)
    text = form.data.get("text", "") if form.is_bound else version.text
    context = {
        "title": f"Edit {named(version)}",
        "form": form,
        "version": version,
        "back": reverse("runtime:policy-version", args=[version.pk]),
        "back_label": named(version),
        "tests": tests_of(version),
        "may_edit": True,
        **_check_context(text, problems),
    }
    return render(request, "runtime/policy_editor.html", context, status=status)


def _refused(request: HttpRequest, version: PolicySetVersion, form: TextForm) -> HttpResponse:
    """The form itself is not well filled; where only the check's answer is swapped, it says so there."""
    if not _is_htmx(request):
        return _editor(request, version, form, status=422)
    said = [Problem(1, 1, str(error)) for errors in form.errors.values() for error in errors]
    context = _check_context(form.data.get("text", ""), said)
    return render(request, "runtime/_policy_check.html", context, status=422)


def _is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def _checked(
    request: HttpRequest, version: PolicySetVersion, form: TextForm, problems: list[Problem]
) -> HttpResponse:
    if not _is_htmx(request):
        return _editor(request, version, form, problems)
    context = _check_context(form.cleaned_data["text"], problems)
    return render(request, "runtime/_policy_check.html", context)


def _check_context(text: str, problems: Iterable[Problem] | None) -> dict[str, object]:
    return {
        "checked": problems is not None,
        "problems": policy_lines.quoted(text, problems or ()),
        "policies": len(parse(text).policies),
    }
