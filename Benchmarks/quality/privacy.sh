#!/bin/sh
# What privacy settings cost: the table of docs/privacy.md.
#
#   privacy.sh SHOAL DATA    umls-shared3, sites together, three seeds for each setting: minutes
set -eu
shoal=$1
data=$2

set --
for settings in off min-edges=2 min-edges=10 row-clip=0.05 clip=0.4 clip=0.1 \
    clip=0.4,noise=0.001 clip=0.4,noise=0.003 clip=0.4,noise=0.01 clip=0.4,noise=0.03 clip=0.4,noise=0.1 \
    clip=0.1,noise=0.01 clip=0.1,noise=0.03 clip=0.1,noise=0.1 clip=0.4,noise=1 clip=0.4,noise=10; do
    set -- "$@" --privacy "$settings"
done
exec "$shoal" bench quality --data "$data/umls-shared3" "$@"
