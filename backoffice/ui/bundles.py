"""The style sheet and the script of every page, each one file made of several: a page asks for little."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

BUNDLES = {
    "desk.css": ("tokens.css", "components.css"),
    "desk.js": (
        "django_htmx/htmx-2.min.js",
        "app.js",
        "sign_in.js",
        "palette.js",
        "list.js",
        "decide.js",
        "unsaved.js",
    ),
}


class BundleFinder(BaseFinder):
    """Finds a bundle as a file in var/bundles, made anew when one of its parts has changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.storage = FileSystemStorage(location=Path(settings.BASE_DIR) / "var" / "bundles")

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        if path not in BUNDLES:
            return []
        found = str(self._made(path))
        return [found] if find_all else found

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, FileSystemStorage]]:
        for name in BUNDLES:
            self._made(name)
            yield name, self.storage

    def _made(self, name: str) -> Path:
        parts = [Path(str(finders.find(part))) for part in BUNDLES[name]]
        bundle = Path(self.storage.path(name))
        if not bundle.exists() or bundle.stat().st_mtime < max(
            part.stat().st_mtime for part in (Path(__file__), *parts)
        ):
            bundle.parent.mkdir(parents=True, exist_ok=True)
            # Whole or not at all: another process may be reading it.
            fresh = bundle.with_suffix(f".{id(self)}.part")
            fresh.write_text("\n".join(part.read_text() for part in parts))
            fresh.replace(bundle)
        return bundle
