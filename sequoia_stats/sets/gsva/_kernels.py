"""The loops of GSVA: densities of genes over samples, and one pass over the ranked genes of a sample for all sets.

Densities are sums over the training samples **in their order**, as in R: the order of genes that nearly tie depends on
the last bit of such a sum.
"""

from __future__ import annotations

import math

import numpy as np

from sequoia_base.kernels import kernel

#: Position of 0 in the table of the normal distribution, which covers -10 to 10 in steps of 0.001 and has one more
#: value, 0 or 1, at either end.
CENTRE = 10001
#: If their distances from zero differ by less than this, the ends of a walk are compared in the same way as in R.
_EQUAL = 1e-9
#: Terms below this share of the largest are left out of a sum.
_NEGLIGIBLE = 1e-22


@kernel
def bandwidth(row):
    """A quarter of the standard deviation."""
    mean, squares = 0.0, 0.0
    for value in row:
        mean += value
    mean /= row.size
    for value in row:
        squares += (value - mean) * (value - mean)
    return math.sqrt(squares / (row.size - 1)) / 4.0


@kernel
def log_odds(sum_of_kernels, n):
    """The scale on which R compares densities: some that differ in the last bit become equal."""
    share = sum_of_kernels / n
    return -1.0 * math.log((1.0 - share) / share)


@kernel
def look_up(value, row, width, places):
    """Positions of (value - row) / width in the table, truncated towards zero, before `CENTRE` is added."""
    for i in range(row.size):
        place = (value - row[i]) / width / 10.0 * 10000.0
        place = place if place < 10001.0 else 10001.0  # NaN ends up here too
        place = place if place > -10001.0 else -10001.0
        places[i] = np.int32(place)


@kernel
def add_four(table, places, first, sums, last):
    """Kernels between four samples and those after them; K(-v) = 1 - K(v), so each is looked up once.

    Four at a time, since each addition must wait for the previous one.
    """
    a, b, c, d = first[0], first[1], first[2], first[3]
    for i in range(last):
        k = table[CENTRE + places[0, i]]
        m = table[CENTRE + places[1, i]]
        n = table[CENTRE + places[2, i]]
        o = table[CENTRE + places[3, i]]
        sums[i] = (((sums[i] + (1.0 - k)) + (1.0 - m)) + (1.0 - n)) + (1.0 - o)
        a += k
        b += m
        c += n
        d += o
    first[0], first[1], first[2], first[3] = a, b, c, d


@kernel
def table_within(values, table, start, stop, densities):
    """Densities (samples × genes) of genes start to stop at the samples they are estimated from."""
    n = values.shape[1]
    sums = np.empty(n)
    places = np.empty((4, n), np.int32)
    for gene in range(start, stop):
        row = values[gene]
        width = bandwidth(row)
        sums[:] = 0.0
        for i in range(0, n - n % 4, 4):
            for j in range(i, i + 4):
                look_up(row[j], row[i : i + 4], width, places[0])
                for k in range(4):
                    sums[j] += table[CENTRE + places[0, k]]
            for j in range(4):
                look_up(row[i + j], row[i + 4 :], width, places[j])
            add_four(table, places, sums[i : i + 4], sums[i + 4 :], n - i - 4)
        for i in range(n - n % 4, n):  # the rest after groups of four
            look_up(row[i], row[i:], width, places[0])
            for j in range(i, n):
                sums[i] += table[CENTRE + places[0, j - i]]
            for j in range(i + 1, n):
                sums[j] += 1.0 - table[CENTRE + places[0, j - i]]
        for i in range(n):
            densities[i, gene] = log_odds(sums[i], n)


@kernel
def table_against(values, new, table, start, stop, densities):
    """Densities (new samples × genes) estimated from `values`, at the values of `new`."""
    n = values.shape[1]
    places = np.empty(n, np.int32)
    for gene in range(start, stop):
        row = values[gene]
        width = bandwidth(row)
        for j in range(new.shape[1]):
            look_up(new[gene, j], row, width, places)
            total = 0.0
            for i in range(n):
                total += table[CENTRE + places[i]]
            densities[j, gene] = log_odds(total, n)


@kernel
def exact_within(values, start, stop, densities):
    """As `table_within`, with the exact normal distribution."""
    n = values.shape[1]
    sums = np.empty(n)
    for gene in range(start, stop):
        row = values[gene]
        width = bandwidth(row) * math.sqrt(2.0)
        sums[:] = 0.0
        for i in range(n):
            sums[i] += 0.5
            for j in range(i + 1, n):
                difference = (row[i] - row[j]) / width
                tail = 0.5 * math.erfc(abs(difference))
                sums[i] += tail if difference < 0 else 1.0 - tail
                sums[j] += 1.0 - tail if difference < 0 else tail
        for i in range(n):
            densities[i, gene] = log_odds(sums[i], n)


@kernel
def exact_against(values, new, start, stop, densities):
    """As `table_against`, with the exact normal distribution."""
    n = values.shape[1]
    for gene in range(start, stop):
        row = values[gene]
        width = bandwidth(row) * math.sqrt(2.0)
        for j in range(new.shape[1]):
            total = 0.0
            for i in range(n):
                difference = (new[gene, j] - row[i]) / width
                tail = 0.5 * math.erfc(abs(difference))
                total += tail if difference < 0 else 1.0 - tail
            densities[j, gene] = log_odds(total, n)


@kernel
def counts_against(values, new, start, stop, densities):
    """Number of values that do not exceed a new value: the empirical distribution, of which only the order matters."""
    for gene in range(start, stop):
        row = np.sort(values[gene])
        for j in range(new.shape[1]):
            densities[j, gene] = np.searchsorted(row, new[gene, j], side="right")


@kernel
def poisson_columns(counts, means, table):
    """Poisson probabilities of at most a count (rows) for every mean, as sums of terms on both sides of the mode.

    A mean needs about 20 √mean terms for all counts together. Terms below 1e-22 of the largest are left out.
    """
    size = int(24.0 * math.sqrt(means.max())) + 64
    terms, sums = np.empty(size), np.empty(size)
    for j in range(means.size):
        mode = int(means[j])
        least, below, term = mode, 0, 1.0
        while least > 0:
            term *= least / means[j]
            if term < _NEGLIGIBLE:
                break
            least -= 1
            terms[below] = term
            below += 1
        total, reached = 0.0, 0
        for i in range(below):  # the smallest first
            total += terms[below - 1 - i]
            sums[reached] = total
            reached += 1
        most, term = mode, 1.0
        while term >= _NEGLIGIBLE:
            total += term
            sums[reached] = total
            reached += 1
            most += 1
            term *= means[j] / most
        for i in range(counts.size):
            place = int(counts[i]) - least
            table[i, j] = 0.0 if place < 0 else 1.0 if place >= reached else sums[place] / total


@kernel
def sum_chosen(table, codes, chosen, densities):
    """Densities of one gene from a table of kernels: rows are new values, columns the values in `codes`."""
    n = codes.size
    rows = np.empty(table.shape[0])
    for i in range(rows.size):
        total = 0.0
        for code in codes:
            total += table[i, code]
        rows[i] = log_odds(total, n)
    for j in range(chosen.size):
        densities[j] = rows[chosen[j]]


@kernel
def order_decreasing(values, order):
    """Positions by decreasing value, ties in their order: a radix sort of 11 bits at a time."""
    n = values.size
    bits = (values + 0.0).view(np.uint64)  # -0 becomes 0
    sign, digit = np.uint64(1) << np.uint64(63), np.uint64(2047)
    keys, other_keys = np.empty(n, np.uint64), np.empty(n, np.uint64)
    places, other_places = order, np.empty(n, np.uint32)
    starts = np.zeros((6, 2048), np.uint32)
    for i in range(n):
        key = bits[i] if bits[i] & sign else ~(bits[i] | sign)  # larger values get smaller keys
        keys[i] = key
        places[i] = i
        for part in range(6):
            starts[part, (key >> np.uint64(11 * part)) & digit] += 1
    for part in range(6):
        total = 0
        for q in range(2048):
            size = starts[part, q]
            starts[part, q] = total
            total += size
        for i in range(n):
            q = (keys[i] >> np.uint64(11 * part)) & digit
            at = starts[part, q]
            starts[part, q] = at + 1
            other_keys[at] = keys[i]
            other_places[at] = places[i]
        keys, other_keys = other_keys, keys
        places, other_places = other_places, places  # after six parts the result is in `order`


@kernel
def as_r_walks(at, genes, place_of, weights):
    """The two ends of a walk with a step at every gene, and weights added in the order of the set.

    If both ends are equally far from zero, the last bit decides between them, and must be the same as in R.
    """
    n_genes = weights.size
    total = 0.0
    for gene in genes:
        total += weights[place_of[gene]]
    down_step = 1.0 / (n_genes - at.size)
    up, down, height, k = 0.0, 0.0, 0.0, 0
    for place in range(n_genes):
        if k < at.size and at[k] == place:
            height += weights[place] / total
            k += 1
        else:
            height -= down_step
        up, down = max(up, height), min(down, height)
    return up, down


@kernel
def total_weight(at, weights):
    """Sum of the weights at some positions, in four parts, since each addition must wait for the previous one."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    whole = at.size - at.size % 4
    for i in range(0, whole, 4):
        a += weights[at[i]]
        b += weights[at[i + 1]]
        c += weights[at[i + 2]]
        d += weights[at[i + 3]]
    for i in range(whole, at.size):
        a += weights[at[i]]
    return (a + b) + (c + d)


@kernel
def walk(at, weights):
    """The highest and the lowest point of the walk of a set, whose genes are at the increasing positions `at`.

    It is highest right after one of its genes and lowest right before one, so other positions are skipped.
    """
    m, n_genes = at.size, weights.size
    total = total_weight(at, weights)
    down_step = 1.0 / (n_genes - m) if m < n_genes else 0.0
    if total == 0.0:  # a single gene in the middle has no weight, and R's walk ends before it
        return 0.0, -(at[0] * down_step)
    up, down, inside, scale = 0.0, 0.0, 0.0, 1.0 / total
    for i in range(m):
        lost = (np.int64(at[i]) - i) * down_step
        low = inside * scale - lost
        inside += weights[at[i]]
        high = inside * scale - lost
        down = low if low < down else down
        up = high if high > up else up
    return up, down


@kernel
def score_samples(
    densities, start, stop, gene_ptr, gene_sets, set_ptr, set_genes, weights, max_diff, abs_ranking, scores
):
    """Scores of all sets for samples start to stop.

    One pass over the ranked genes of a sample: every gene in turn appends its rank to the lists of the sets that
    contain it (`gene_ptr`, `gene_sets`: the inverted index), so each list is sorted.
    """
    n_genes, n_sets = densities.shape[1], set_ptr.size - 1
    order, place_of = np.empty(n_genes, np.uint32), np.empty(n_genes, np.uint32)
    ends = np.empty(n_sets, np.uint32)
    lists = np.empty(gene_sets.size, np.uint32)
    for sample in range(start, stop):
        order_decreasing(densities[sample], order)
        ends[:] = set_ptr[:-1]
        for place in range(n_genes):
            gene = order[place]
            place_of[gene] = place
            for i in range(gene_ptr[gene], gene_ptr[gene + 1]):
                end = ends[gene_sets[i]]
                lists[end] = place
                ends[gene_sets[i]] = end + 1
        for s in range(n_sets):
            at = lists[set_ptr[s] : set_ptr[s + 1]]
            up, down = walk(at, weights)
            if max_diff:
                scores[sample, s] = up - down if abs_ranking else up + down
                continue
            if abs(up + down) < _EQUAL and up > 0.0:
                up, down = as_r_walks(at, set_genes[set_ptr[s] : set_ptr[s + 1]], place_of, weights)
            scores[sample, s] = up if up > -down else down
