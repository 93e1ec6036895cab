#!/usr/bin/env bash
# Makes an environment (first argument) over another (second) that has shapiq 1.8, for benchmarks.
# shapiq 1.8 needs Python 3.12 for a few lines of syntax, in which nothing is computed: on Python 3.11 its source is
# built with type aliases as assignments and `override` from typing_extensions.
set -euo pipefail
venv=$1 base=$2 version=1.8.0
export SETUPTOOLS_SCM_PRETEND_VERSION=$version
"$base/bin/python" -m venv --without-pip "$venv"
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$base/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"$site/base.pth"
if ! "$base/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  "$base/bin/python" -m pip download --quiet --no-deps --no-binary shapiq --ignore-requires-python \
    --dest "$work" "shapiq==$version"
  tar -xzf "$work/shapiq-$version.tar.gz" -C "$work"
  source=$work/shapiq-$version
  grep -rlE '^\s*type \w+ =' "$source/src/shapiq" | xargs sed -i -E 's/^(\s*)type (\w+ =)/\1\2/'
  grep -rlE 'from typing import.*override' "$source/src/shapiq" |
    xargs sed -i -E 's/^(from typing import .*), override$/\1\nfrom typing_extensions import override/'
  sed -i 's/^requires-python.*/requires-python = ">=3.11"/' "$source/pyproject.toml"
  "$base/bin/python" -m pip wheel --quiet --no-deps --wheel-dir "$work" "$source"
  "$base/bin/python" -m pip install --quiet --no-deps --target "$site" "$work"/shapiq-*.whl
fi
