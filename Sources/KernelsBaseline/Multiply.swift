// The matrix product, register-blocked: a tile of C stays in registers while one panel of
// B, two registers wide, streams past. All three products of a linear layer (forward,
// gradient of the input, gradient of the weights) are this one with other strides.

/// Rows of C per tile: as many as fill the registers without spilling.
#if WIDE
    private let tileRows = 8
#else
    private let tileRows = 4
#endif
private let panel = 2 * laneCount
/// Depth of one pass, so that a packed panel stays in the first-level cache.
private let blockDepth = 256

/// Floats of scratch that ``multiply`` needs; the same for every variant.
public let multiplyScratch = 256 * 32 + 8 * 32

/// C (m, n) = A (m, k) · B (k, n), or added to C.
///
/// Element (i, j) of a matrix is at `i * row + j * column` of its pointer; C's columns are
/// contiguous. Cost 2·m·n·k flops. B is packed panel by panel when it does not lie that way.
///
/// - Parameter scratch: ``multiplyScratch`` floats, aligned to 64 bytes.
public func multiply(
    _ m: Int, _ n: Int, _ k: Int,
    _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int,
    _ b: UnsafePointer<Float>, _ bRow: Int, _ bColumn: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int,
    _ accumulate: Bool, _ scratch: UnsafeMutablePointer<Float>
) {
    let edge = scratch + blockDepth * 32
    var p = 0
    repeat {
        let depth = min(blockDepth, k - p)
        let adding = accumulate || p > 0
        let aBlock = a + p * aColumn
        let bBlock = b + p * bRow
        var j = 0
        while j < n {
            let width = min(panel, n - j)
            var source = bBlock + j * bColumn
            var step = bRow
            if bColumn != 1 || width < panel || m >= 64 {
                pack(source, bRow, bColumn, depth, width, scratch)
                source = UnsafePointer(scratch)
                step = panel
            }
            column(m, depth, width, aBlock, aRow, aColumn, source, step, c + j, cRow, adding, edge)
            j += panel
        }
        p += depth
    } while p < k
}

/// Copies a panel of B so that its rows follow each other, filled up with zeros.
@inline(__always)
private func pack(
    _ source: UnsafePointer<Float>, _ row: Int, _ column: Int, _ depth: Int, _ width: Int,
    _ panelStart: UnsafeMutablePointer<Float>
) {
    if width == panel && column == 1 {
        var p = 0
        while p < depth {
            store(load(source + p * row), panelStart + p * panel)
            store(load(source + p * row + laneCount), panelStart + p * panel + laneCount)
            p += 1
        }
        return
    }
    var j = 0
    while j < width {
        var from = source + j * column
        var to = panelStart + j
        var p = 0
        while p < depth {
            to.pointee = from.pointee
            from += row
            to += panel
            p += 1
        }
        j += 1
    }
    while j < panel {
        var p = 0
        while p < depth {
            panelStart[p * panel + j] = 0
            p += 1
        }
        j += 1
    }
}

/// One panel's width of C: tiles from top to bottom.
@inline(__always)
private func column(
    _ m: Int, _ depth: Int, _ width: Int,
    _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ adding: Bool, _ edge: UnsafeMutablePointer<Float>
) {
    var i = 0
    while i < m {
        let whole = m - i >= tileRows
        let rows = whole ? tileRows : 1
        if width == panel {
            if whole {
                tile(depth, a + i * aRow, aRow, aColumn, b, bRow, c + i * cRow, cRow, adding)
            } else {
                strip(depth, a + i * aRow, aColumn, b, bRow, c + i * cRow, adding)
            }
        } else {
            if whole {
                tile(depth, a + i * aRow, aRow, aColumn, b, bRow, edge, panel, false)
            } else {
                strip(depth, a + i * aRow, aColumn, b, bRow, edge, false)
            }
            var r = 0
            while r < rows {
                let to = c + (i + r) * cRow
                var j = 0
                while j < width {
                    to[j] = (adding ? to[j] : 0) + edge[r * panel + j]
                    j += 1
                }
                r += 1
            }
        }
        i += rows
    }
}

/// Two registers of C.
private struct Pair {
    var x = Lanes()
    var y = Lanes()

    @inline(__always)
    mutating func add(_ a: Float, _ b0: Lanes, _ b1: Lanes) {
        let all = Lanes(repeating: a)
        x = multiplyAdd(all, b0, x)
        y = multiplyAdd(all, b1, y)
    }

    @inline(__always)
    func put(_ c: UnsafeMutablePointer<Float>, _ adding: Bool) {
        store(adding ? load(c) + x : x, c)
        store(adding ? load(c + laneCount) + y : y, c + laneCount)
    }
}

/// One row of C, one panel wide.
@inline(never)
private func strip(
    _ depth: Int, _ a: UnsafePointer<Float>, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ adding: Bool
) {
    var (r0, a, b) = (Pair(), a, b)
    var p = 0
    while p < depth {
        r0.add(a.pointee, load(b), load(b + laneCount))
        a += aColumn
        b += bRow
        p += 1
    }
    r0.put(c, adding)
}

/// ``tileRows`` rows of C, one panel wide.
@inline(never)
private func tile(
    _ depth: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ adding: Bool
) {
    var (r0, r1, r2, r3) = (Pair(), Pair(), Pair(), Pair())
    #if WIDE
        var (r4, r5, r6, r7) = (Pair(), Pair(), Pair(), Pair())
    #endif
    var (a, b) = (a, b)
    var p = 0
    while p < depth {
        let (b0, b1) = (load(b), load(b + laneCount))
        r0.add(a[0], b0, b1)
        r1.add(a[aRow], b0, b1)
        r2.add(a[2 * aRow], b0, b1)
        r3.add(a[3 * aRow], b0, b1)
        #if WIDE
            r4.add(a[4 * aRow], b0, b1)
            r5.add(a[5 * aRow], b0, b1)
            r6.add(a[6 * aRow], b0, b1)
            r7.add(a[7 * aRow], b0, b1)
        #endif
        a += aColumn
        b += bRow
        p += 1
    }
    r0.put(c, adding)
    r1.put(c + cRow, adding)
    r2.put(c + 2 * cRow, adding)
    r3.put(c + 3 * cRow, adding)
    #if WIDE
        r4.put(c + 4 * cRow, adding)
        r5.put(c + 5 * cRow, adding)
        r6.put(c + 6 * cRow, adding)
        r7.put(c + 7 * cRow, adding)
    #endif
}
