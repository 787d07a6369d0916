#!/bin/sh
# The quality table: two whole graphs, then graphs that are divided among sites.
#
#   run.sh SHOAL DATA        the small graphs, three seeds
#   run.sh SHOAL DATA fb15k  FB15k-237, one seed, kept in a checkpoint beside the data: stop and repeat as you like
set -eu
shoal=$1
data=$2

if [ "${3:-}" = fb15k ]; then
    # Bytes at equal quality, first in full, then with 6 bits of each value left to later rounds.
    for coarseness in 0 6; do
        "$shoal" bench quality --data "$data/fb15k-237-fed3" --seeds 1 --arms federated --dim 128 --rounds 12 \
            --steps 50 --batch 512 --warm-up 50 --measure-every 4 --coarseness "$coarseness" \
            --checkpoint "$data/fb15k-237-fed3-$coarseness.run"
    done
    exec "$shoal" bench quality --data "$data/fb15k-237" --seeds 1 --dim 128 --layers 2 --rounds 45 --steps 100 \
        --batch 512 --learning-rate 0.002 --warm-up 200 --measure-every 5 --checkpoint "$data/fb15k-237.run"
fi

"$shoal" bench quality --data "$data/umls" --dim 128 --dropout 0.2 --steps 25
"$shoal" bench quality --data "$data/kinship" --dim 128 --dropout 0.2 --steps 100
# As nodes train.
"$shoal" bench quality --data "$data/umls-shared3" --data "$data/kinship-shared3" \
    --data "$data/umls-fed3" --data "$data/umls-fed10" --data "$data/kinship-fed3"
# A graph node has many answers there: more steps than the recipe takes.
"$shoal" bench quality --data "$data/kinship-shared3" --steps 50
