#!/bin/sh
# Rules alone, the model alone, and both.
#
#   rules.sh SHOAL DATA        the small graphs
#   rules.sh SHOAL DATA fb15k  FB15k-237 with the model of its checkpoint (run.sh … fb15k makes it, or this does)
set -eu
shoal=$1
data=$2

if [ "${3:-}" = fb15k ]; then
    # The settings of run.sh: a checkpoint belongs to its settings.
    exec "$shoal" bench quality --data "$data/fb15k-237" --seeds 1 --dim 128 --layers 2 --rounds 45 --steps 100 \
        --batch 512 --learning-rate 0.002 --warm-up 200 --label-smoothing 0.1 --measure-every 5 --checkpoint "$data/fb15k-237.run" \
        --with-rules 5 --threads 2
fi

for name in umls-shared3 kinship-shared3 umls-fed3; do
    "$shoal" bench quality --data "$data/$name" --seeds 1,2,3 --arms federated --with-rules 4
done
