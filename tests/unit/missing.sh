# SPDX-License-Identifier: LGPL-2.1-or-later
# Stands in for the unit tests in a build that has no Criterion.
echo "unit tests: not built, because configure did not find Criterion (libcriterion-dev)"
exit 77
