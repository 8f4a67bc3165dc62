"""What all tables of the configuration file have in common."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo


def _beside_the_file(path: Path, info: ValidationInfo) -> Path:
    """A relative path counts from the configuration file's folder, wherever the daemon was started."""
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(folder) / path


def _once_each(items: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = sorted({str(item) for item in items if items.count(item) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} is there twice: name each one once")
    return items


FilePath = Annotated[Path, AfterValidator(_beside_the_file)]
OnceEach = AfterValidator(_once_each)


class Section(BaseModel):
    """One table of the file. Unknown keys are errors: a typo must not become a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
