"""The forms in which a request is sent to one provider: what a refusal complains about is changed, a few times."""

from dataclasses import dataclass
from typing import NamedTuple

from coderouter_proxy.config.schema import Profile
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import adaptations
from coderouter_proxy.providers.client import ProviderClient
from coderouter_proxy.providers.wordings.adaptation import Adaptation, Value
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing.attempt_events import AttemptEvents


class Form(NamedTuple):
    """How the request is sent: fit for the traits, and without what one refusal of this request complains about."""

    traits: ProviderTraits
    refused: ProviderError | None = None


@dataclass(frozen=True, slots=True)
class _Change:
    adaptation: Adaptation
    value: Value
    complaint: str
    before: Form


class Forms:
    """`current` is the form that is sent next."""

    def __init__(self, client: ProviderClient) -> None:
        self._client = client
        self.current = Form(client.traits)
        self._tried = [self.current]
        self._changes: list[_Change] = []

    @property
    def are_exhausted(self) -> bool:
        return len(self._tried) > adaptations.ADAPTATIONS_MAX

    def change(
        self, error: ProviderError, request: ClientRequest, profile: Profile, *, last_resort: bool
    ) -> bool:
        """Change the current form as the refusal requires; return whether there is one that was not tried yet."""
        if self._changes and error.message == self._changes[-1].complaint:  # it did not help
            self.current = self._changes.pop().before
        form = self.current

        def written(form: Form) -> object:
            return self._client.written(request, profile, form.traits, form.refused)

        def takes(new: Form) -> bool:
            """Take the form unless it would send what was refused already."""
            if new in self._tried or written(new) == written(form):
                return False
            self.current = new
            self._tried.append(new)
            return True

        for adaptation, value in adaptations.recognised(error, form.traits, last_resort=last_resort):
            traits = adaptations.applied(form.traits, adaptation.trait, value)
            if takes(Form(traits, form.refused)):
                self._changes.append(_Change(adaptation, value, error.message, form))
                return True
        return form.refused is None and takes(Form(form.traits, error))

    def learn(self, events: AttemptEvents) -> None:
        """Remember what helped; another request may have learnt the same meanwhile."""
        for change in self._changes:
            known = self._client.traits
            learnt = adaptations.applied(known, change.adaptation.trait, change.value)
            if change.adaptation.remembered:
                self._client.traits = learnt
            if learnt != known:
                events.adapted(change.adaptation, change.value)
