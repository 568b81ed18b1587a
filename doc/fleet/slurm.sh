#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A catalogue as an array of Slurm, one image for each task, 16 at once; from the folder of this script:
#     mkdir -p RESULTS
#     sbatch --array="1-$(wc -l <CATALOGUE)%16" slurm.sh CATALOGUE RESULTS [OPTION]...
#SBATCH --job-name=imgconv
#SBATCH --cpus-per-task=2
#SBATCH --output=slurm-%A_%a.out
set -eu

catalogue=$1 results=$2
shift 2
exec sh "$SLURM_SUBMIT_DIR/convert.sh" "$catalogue" "$SLURM_ARRAY_TASK_ID" "$results" \
	--threads="$SLURM_CPUS_PER_TASK" "$@"
