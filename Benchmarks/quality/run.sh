#!/bin/sh
# The quality table: graphs divided among sites as nodes train them, then two whole graphs.
#
#   run.sh SHOAL DATA        the small graphs, three seeds, every site beside its isolated model: minutes
#   run.sh SHOAL DATA fb15k  FB15k-237, one seed, kept in checkpoints beside the data: stop and repeat as you like
set -eu
shoal=$1
data=$2

if [ "${3:-}" = fb15k ]; then
    # Alone, together and pooled, five epochs; where relations are shared in shorter rounds (decision 26).
    "$shoal" bench quality --data "$data/fb15k-237-shared3" --seeds 1 --dim 128 --rounds 80 --steps 20 --batch 512 \
        --learning-rate 0.002 --warm-up 100 --label-smoothing 0.1 --lookahead 0.7 --measure-every 10 \
        --checkpoint "$data/fb15k-237-shared3.run"
    "$shoal" bench quality --data "$data/fb15k-237-fed3" --seeds 1 --dim 128 --rounds 40 --steps 40 --batch 512 \
        --learning-rate 0.002 --warm-up 100 --label-smoothing 0.1 --measure-every 10 \
        --checkpoint "$data/fb15k-237-fed3.run"
    # Bytes at equal quality, first in full, then with 6 bits of each value left to later rounds.
    for coarseness in 0 6; do
        "$shoal" bench quality --data "$data/fb15k-237-fed3" --seeds 1 --arms federated --dim 128 --rounds 12 \
            --steps 50 --batch 512 --warm-up 50 --label-smoothing 0.1 --measure-every 4 --coarseness "$coarseness" \
            --checkpoint "$data/fb15k-237-fed3-$coarseness.run"
    done
    exec "$shoal" bench quality --data "$data/fb15k-237" --seeds 1 --dim 128 --layers 2 --rounds 45 --steps 100 \
        --batch 512 --learning-rate 0.002 --warm-up 200 --label-smoothing 0.1 --measure-every 5 \
        --checkpoint "$data/fb15k-237.run"
fi

"$shoal" bench quality --data "$data/umls-shared3" --data "$data/kinship-shared3" \
    --data "$data/umls-fed3" --data "$data/umls-fed10" --data "$data/kinship-fed3"
# Wider, with more dropout.
"$shoal" bench quality --data "$data/umls" --dim 128 --dropout 0.2 --steps 25 --label-smoothing 0.1
"$shoal" bench quality --data "$data/kinship" --dim 128 --dropout 0.2 --steps 100 --label-smoothing 0.1
