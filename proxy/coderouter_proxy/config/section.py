"""What all sections of providers.yaml share: unknown fields are errors, and each field has a description."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def field_descriptions(section: type[BaseModel]) -> dict[str, str]:
    """Return each field of the section with its description."""
    return {
        name: next(text for text in field.metadata if isinstance(text, str))
        for name, field in section.model_fields.items()
    }
