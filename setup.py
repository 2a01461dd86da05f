"""Put lab's data (boxes/, templates/, Vagrantfile) into the wheel; all metadata stands in setup.cfg."""

import atexit
import shutil
import tempfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CHECKOUT = Path(__file__).parent
PACKAGED = Path("lab", "_data")  # lab/project.py reads it there
DATA = ("Vagrantfile", "boxes", "templates")
PAGES = ("docs/glossary.md",)  # `lab help` reads them


class BuildWithData(build_py):
    """Copy the data into the package; an editable installation uses the checkout's own files."""

    def run(self):
        """Build the modules, then copy the data."""
        super().run()
        if not self.editable_mode:
            for source, target in self.data():
                self.mkpath(str(target.parent))
                self.copy_file(str(source), str(target))

    def data(self):
        """Each file of the data and the place that it gets in the build folder."""
        folders = [CHECKOUT / name for name in DATA if (CHECKOUT / name).is_dir()]
        files = [CHECKOUT / name for name in (*DATA, *PAGES) if (CHECKOUT / name).is_file()]
        files += [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
        return [(path, Path(self.build_lib, PACKAGED, path.relative_to(CHECKOUT))) for path in files]

    def get_outputs(self, include_bytecode=True):
        """All files of the build, for installers that list them."""
        copied = [] if self.editable_mode else [str(target) for _, target in self.data()]
        return [*super().get_outputs(include_bytecode), *copied]


# A build folder in the checkout would keep files that were removed since, and put them into the next wheel.
build_folder = tempfile.mkdtemp(prefix="lab-build-")
atexit.register(shutil.rmtree, build_folder, ignore_errors=True)

setup(cmdclass={"build_py": BuildWithData}, options={"build": {"build_base": build_folder}})
