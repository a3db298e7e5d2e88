"""A framework of one's own: the upload with every error named, its versions, and what they differ in."""

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from frameworks import own_files, own_frameworks, version_difference
from frameworks.catalogues import KINDS
from frameworks.models import Framework
from frameworks.own_files import FileWrong, OwnFramework
from inventory import access
from inventory.forms import ReasonForm
from inventory.rules import RuleBroken
from inventory.views.answers import Question, act, bound, readers_only, user_of

_SHOWN = 100


class OwnForm(forms.Form):
    """A file; a CSV file does not say what the framework is called, so the form does."""

    file = forms.FileField(help_text="YAML, or CSV with one line for each control and check; 2 MB.")
    id = forms.SlugField(
        max_length=40, required=False, label="ID", help_text="For CSV: as in its address."
    )
    name = forms.CharField(max_length=200, required=False, help_text="For CSV.")
    version = forms.CharField(max_length=60, required=False, help_text="For CSV.")
    kind = forms.ChoiceField(
        choices=[("", "As the YAML file says"), *((kind, kind) for kind in KINDS)],
        required=False, help_text="For CSV.",
    )  # fmt: skip

    def read(self) -> OwnFramework:
        given = self.cleaned_data
        content, checks = given["file"].read(), frozenset(own_frameworks.known_checks())
        if str(given["file"].name).lower().endswith(".csv"):
            about = {name: given[name] for name in ("id", "name", "version", "kind")}
            return own_files.read_csv(content, about, checks=checks)
        return own_files.read_yaml(content, checks=checks)


@require_http_methods(["GET", "POST"])
def framework_new(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    form = OwnForm(request.POST, request.FILES) if request.method == "POST" else OwnForm()
    problems: list[own_files.Problem] = []
    if request.method == "POST" and form.is_valid():
        try:
            added = own_frameworks.add(form.read(), by=user, at=timezone.now())
            return redirect("frameworks:framework-detail", added.framework.key)
        except FileWrong as error:
            problems = error.problems
        except RuleBroken as error:
            form.add_error(None, str(error))
    context = {
        "form": form,
        "problems": problems[:_SHOWN],
        "more": max(len(problems) - _SHOWN, 0),
        "columns": own_files.COLUMNS,
        "kinds": KINDS,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "frameworks/framework_form.html", context, status=status)


@require_GET
def framework_versions(request: HttpRequest, key: str) -> HttpResponse:
    """Every version, and what two of them differ in."""
    readers_only(request)
    versions = list(Framework.objects.filter(key=key).order_by("-pk"))
    framework = get_object_or_404(Framework, pk=versions[0].pk if versions else 0)
    if request.GET.keys() & {"from", "to"} or len(versions) < 2:
        first, second = (_chosen(request, name, versions) for name in ("from", "to"))
    else:
        second, first = versions[:2]
    context = {
        "framework": framework,
        "versions": versions,
        "first": first,
        "second": second,
        "difference": version_difference.between(first, second) if first and second else None,
    }
    return render(request, "frameworks/framework_versions.html", context)


@require_http_methods(["GET", "POST"])
def framework_withdraw(request: HttpRequest, key: str) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    framework = get_object_or_404(Framework.objects.current(), key=key, is_own=True)
    form = bound(ReasonForm, request)
    text = "It is shown and assessed no more. Assessments that used it keep it."
    question = Question(
        f"Withdraw {framework.name}", text, "Withdraw", reverse("frameworks:framework-list"),
        danger=True,
    )  # fmt: skip

    def do() -> str:
        own_frameworks.withdraw(framework, by=user, reason=form.cleaned_data["reason"])
        return "The framework is withdrawn."

    return act(request, form, question, do)


def _chosen(request: HttpRequest, name: str, versions: list[Framework]) -> Framework | None:
    asked = request.GET.get(name, "")
    if not asked:
        return None
    found = next((one for one in versions if one.version == asked), None)
    if found is None:
        raise BadRequest(f"There is no version “{asked}”. Choose one of the list.")
    return found
