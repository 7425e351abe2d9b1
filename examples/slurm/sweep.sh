#!/bin/bash
# A sweep as a Slurm job array; its tasks share the runs through a folder that every node sees:
#
#   sbatch examples/slurm/sweep.sh grid.toml /shared/sweeps/grid
#
# If a node fails or a task is preempted, the others resume its runs after their last finished stage. To continue a sweep that
# ran out of time, submit the same line again.
#SBATCH --job-name=kanrl-sweep
#SBATCH --array=0-7
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=04:00:00
#SBATCH --signal=B:INT@60
#SBATCH --output=kanrl-sweep-%A-%a.log

# A minute before the time is up, Slurm interrupts this process: the runs in progress stop, and others may claim them.
runs=$(( ${SLURM_CPUS_PER_TASK:-4} / 4 ))
exec kanrl sweep "${1:?a sweep file}" --join "${2:?a folder that every node sees}" --workers "$(( runs > 0 ? runs : 1 ))"
