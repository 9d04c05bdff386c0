"""What pyproject.toml cannot say: the wheel holds the demo's handbook, which the repository keeps in its root."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class WithHandbook(build_py):
    """Copies knowledge/ into the package as bot/handbook."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:  # the repository itself is on the path
            return
        target = Path(self.build_lib) / "bot" / "handbook"
        self.mkpath(str(target))
        for file in sorted((ROOT / "knowledge").glob("*.md")):
            self.copy_file(str(file), str(target / file.name))


setup(cmdclass={"build_py": WithHandbook})
