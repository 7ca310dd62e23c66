#!/usr/bin/env bash
# Installs what is missing: R with its packages (by apt), uv, and the Python packages in .venv.
#   ./setup.sh              if R cannot be installed: says what to install, continues without it, exits 0
#   ./setup.sh --require-r  the same, but exits 1 if R is not complete
#   ./setup.sh --model      with the extra `model` (torch); can be combined with --require-r
# SEQUOIA_NO_APT=1 leaves the system's packages alone; SEQUOIA_UV names the uv to use;
# TORCH_BACKEND=cpu takes the small build of torch (any value of uv's --torch-backend).
set -euo pipefail
cd "$(dirname "$0")"

R_PACKAGES="r-base-core r-cran-glmnet r-cran-survival r-cran-jsonlite r-cran-psych r-cran-ape r-bioc-gsva"
PYTHONS=">=3.11,<3.14"

require_r=""
model=""
for option in "$@"; do
  case "$option" in
    --require-r) require_r=1 ;;
    --model) model=1 ;;
    *) echo "setup.sh: there is no option $option" >&2; exit 2 ;;
  esac
done

say() { printf '==> %s\n' "$*" >&2; }
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | sed -n 1p)" = "$1" ]; } # at_least 4.2 "$version"

r_version() { if command -v Rscript >/dev/null; then R --version 2>/dev/null | sed -n 's/^R version \([0-9.]*\).*/\1/p'; fi; }
r_problem() { # prints nothing if R and its packages are installed
  local version missing
  version=$(r_version)
  if [ -z "$version" ]; then echo "R is not installed"; return; fi
  if ! at_least 4.2 "$version"; then echo "R $version is too old, 4.2 or later is needed"; return; fi
  missing=$(Rscript --vanilla r/install.R --missing) || missing="(R does not start)"
  if [ -n "$missing" ]; then echo "R $version lacks the packages: $missing"; fi
}

# What a finished setup depends on. Kept in .venv, so that removing .venv starts again.
python_key() { cat pyproject.toml requirements.lock setup.sh | cksum; }
r_key() { echo "$(python_key) $(cksum <r/install.R) R $(r_version) $(command -v Rscript)"; }
is_done() { [ -x .venv/bin/python ] && [ "$(cat ".venv/.$1-ready" 2>/dev/null)" = "$2" ]; }

apt_install() {
  [ -z "${SEQUOIA_NO_APT:-}" ] && command -v apt-get >/dev/null || return 1
  local sudo=""
  if [ "$(id -u)" != 0 ]; then
    sudo="sudo"
    [ -t 0 ] || sudo="sudo -n" # nobody can type a password
    $sudo true 2>/dev/null || return 1
  fi
  say "apt: $*"
  mkdir -p .tools
  { $sudo apt-get update -q -o DPkg::Lock::Timeout=300 &&
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"; } </dev/null 2>&1 |
    tee .tools/apt.log | sed -n -u -e '/^Need to get/p' -e '/^Setting up/p' -e '/^E: /p' >&2 ||
    say "apt failed; its output is in .tools/apt.log"
}

find_uv() {
  local candidate
  for candidate in "${SEQUOIA_UV:-}" uv .tools/uv/bin/uv; do
    if [ -n "$candidate" ] && "$candidate" pip install --help 2>/dev/null | grep -e --group >/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

need_uv() {
  if [ -n "$uv" ]; then return; fi
  if ! has_venv; then
    say "Python 3.11 to 3.13 with venv is needed. Debian, Ubuntu: sudo apt-get install python3 python3-venv"
    exit 1
  fi
  say "Installing uv in .tools/"
  python3 -m venv .tools/uv
  .tools/uv/bin/python -m pip install --quiet uv
  uv=.tools/uv/bin/uv
}

has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

# 1. the system: R, and a Python that can create the first environment
uv=$(find_uv)
if ! is_done r "$(r_key)"; then
  wanted=""
  if [ -z "$uv" ] && ! has_venv; then wanted="python3 python3-venv"; fi
  if [ -n "$(r_problem)" ]; then wanted="$wanted $R_PACKAGES"; fi
  # shellcheck disable=SC2086
  if [ -n "$wanted" ]; then apt_install $wanted || true; fi # what is still missing is reported below
fi

# 2. Python: the versions of requirements.lock
if ! is_done python "$(python_key)"; then
  need_uv
  if ! .venv/bin/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
    rm -rf .venv
    if ! "$uv" venv --quiet --python "$PYTHONS" .venv; then
      say "Python 3.11 to 3.13 is needed, but none was found on the PATH"
      exit 1
    fi
  fi
  say "Installing Python packages in .venv/"
  "$uv" pip install --compile-bytecode $([ -t 2 ] || echo --quiet) --python .venv/bin/python -c requirements.lock -b requirements.lock \
    -e . --group dev --group analyses --group reports --group bridge
  python_key >.venv/.python-ready
fi

if [ -n "$model" ] && ! is_done model "$(python_key) ${TORCH_BACKEND:-}"; then
  need_uv
  say "Installing torch and its dependencies${TORCH_BACKEND:+ (backend $TORCH_BACKEND)} in .venv/"
  "$uv" pip install $([ -t 2 ] || echo --quiet) --python .venv/bin/python -c requirements.lock -b requirements.lock \
    ${TORCH_BACKEND:+--torch-backend "$TORCH_BACKEND"} -e '.[model]' --group model-tests
  echo "$(python_key) ${TORCH_BACKEND:-}" >.venv/.model-ready
fi

# 3. the bridge: the rpy2 that fits this R. ABI mode: no compiler, no headers, the same on every machine
if ! is_done r "$(r_key)"; then
  problem=$(r_problem)
  if [ -z "$problem" ]; then
    if at_least 4.5 "$(r_version)"; then rpy2="rpy2==3.6.9"; else rpy2="--no-binary rpy2 rpy2==3.5.17"; fi
    need_uv
    say "R $(r_version): $rpy2"
    export RPY2_CFFI_MODE=ABI
    # shellcheck disable=SC2086
    if "$uv" pip install --quiet --python .venv/bin/python -c requirements.lock -b requirements.lock $rpy2 &&
      .venv/bin/python -c 'import rpy2.rinterface'; then
      r_key >.venv/.r-ready
    else
      problem="rpy2 does not load with R $(r_version) (see above)"
    fi
  fi
  if [ -n "$problem" ]; then
    cat >&2 <<TEXT

*** $problem.
    Everything that needs R is left out until it is installed; the rest works.
      Debian 12+, Ubuntu 24.04+:  sudo apt-get install --no-install-recommends $R_PACKAGES
      other systems:              R >= 4.2 (built with --enable-R-shlib), then: Rscript r/install.R
      then, in any case:          make setup

TEXT
    if [ -n "$require_r" ]; then exit 1; fi
    exit 0
  fi
fi
say "Ready: $(.venv/bin/python --version), R $(r_version)"
