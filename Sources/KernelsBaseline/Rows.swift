// Moving rows of width d between places.

/// x[i] = table[tokens[i]] + positions[i mod T], for `rows` rows of width d.
public func embed(
    _ rows: Int, _ T: Int, _ d: Int, _ tokens: UnsafePointer<Int32>, _ table: UnsafePointer<Float>,
    _ positions: UnsafePointer<Float>, _ x: UnsafeMutablePointer<Float>
) {
    var row = 0
    var t = 0
    while row < rows {
        let (token, position, to) = (table + Int(tokens[row]) * d, positions + t * d, x + row * d)
        var j = 0
        while j + laneCount <= d {
            store(load(token + j) + load(position + j), to + j)
            j += laneCount
        }
        while j < d {
            to[j] = token[j] + position[j]
            j += 1
        }
        row += 1
        t = t + 1 == T ? 0 : t + 1
    }
}

/// The way back of ``embed``: both tables are added to, in row order.
public func embedBackward(
    _ rows: Int, _ T: Int, _ d: Int, _ tokens: UnsafePointer<Int32>, _ dx: UnsafePointer<Float>,
    _ dTable: UnsafeMutablePointer<Float>, _ dPositions: UnsafeMutablePointer<Float>
) {
    var row = 0
    var t = 0
    while row < rows {
        addRow(d, dx + row * d, dTable + Int(tokens[row]) * d)
        addRow(d, dx + row * d, dPositions + t * d)
        row += 1
        t = t + 1 == T ? 0 : t + 1
    }
}

/// y[i] = x[rows[i]].
public func gather(
    _ count: Int, _ d: Int, _ rows: UnsafePointer<Int32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
    var i = 0
    while i < count {
        let (from, to) = (x + Int(rows[i]) * d, y + i * d)
        var j = 0
        while j + laneCount <= d {
            store(load(from + j), to + j)
            j += laneCount
        }
        while j < d {
            to[j] = from[j]
            j += 1
        }
        i += 1
    }
}

/// y[rows[i]] += x[i].
public func scatterAdd(
    _ count: Int, _ d: Int, _ rows: UnsafePointer<Int32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
    var i = 0
    while i < count {
        addRow(d, x + i * d, y + Int(rows[i]) * d)
        i += 1
    }
}

@inline(__always)
private func addRow(_ d: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    var j = 0
    while j + laneCount <= d {
        store(load(y + j) + load(x + j), y + j)
        j += laneCount
    }
    while j < d {
        y[j] += x[j]
        j += 1
    }
}

/// y[i] = x · row i of `table` (rows, d): logits of one context. Four rows at a time, so that sums do not wait for
/// each other; the table is read once.
public func rowProducts(
    _ rows: Int, _ d: Int, _ x: UnsafePointer<Float>, _ table: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
    var i = 0
    while i + 4 <= rows {
        let at = table + i * d
        var (s0, s1, s2, s3) = (Lanes(), Lanes(), Lanes(), Lanes())
        var j = 0
        while j + laneCount <= d {
            let lanes = load(x + j)
            s0 = multiplyAdd(lanes, load(at + j), s0)
            s1 = multiplyAdd(lanes, load(at + d + j), s1)
            s2 = multiplyAdd(lanes, load(at + 2 * d + j), s2)
            s3 = multiplyAdd(lanes, load(at + 3 * d + j), s3)
            j += laneCount
        }
        y[i] = total(s0)
        y[i + 1] = total(s1)
        y[i + 2] = total(s2)
        y[i + 3] = total(s3)
        while j < d {
            y[i] += x[j] * at[j]
            y[i + 1] += x[j] * at[d + j]
            y[i + 2] += x[j] * at[2 * d + j]
            y[i + 3] += x[j] * at[3 * d + j]
            j += 1
        }
        i += 4
    }
    while i < rows {
        y[i] = inner(x, table + i * d, d)
        i += 1
    }
}
