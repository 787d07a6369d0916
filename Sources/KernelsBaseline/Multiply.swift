// The matrix product, register-blocked: a tile of C stays in registers while one panel of
// B, two registers wide, streams past. All three products of a linear layer (forward,
// gradient of the input, gradient of the weights) are this one with other strides.

/// Rows of C per tile: as many as fill the registers without spilling.
#if WIDE || arch(arm64)
    let tileRows = 8
#else
    let tileRows = 4
#endif
let panel = 2 * laneCount
/// Depth of one pass, so that a packed panel stays in the first-level cache.
private let blockDepth = 256

/// Floats of scratch that ``multiply`` needs; the same for every variant.
public let multiplyScratch = 256 * 32 + 8 * 32

/// C (m, n) = A (m, k) · B (k, n), or added to C.
///
/// Element (i, j) of a matrix is at `i * row + j * column` of its pointer; C's columns are
/// contiguous, and A's are or its rows are. Cost 2·m·n·k flops. B is packed panel by panel when it does not lie
/// that way.
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
func pack(
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
///
/// - Parameter edge: 8 x 32 floats, for a panel that C does not fill.
@inline(__always)
func column(
    _ m: Int, _ depth: Int, _ width: Int,
    _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ adding: Bool, _ edge: UnsafeMutablePointer<Float>
) {
    if width == panel {
        tiles(m, depth, a, aRow, aColumn, b, bRow, c, cRow, adding)
        return
    }
    var i = 0
    while i < m {
        let rows = min(tileRows, m - i)
        tiles(rows, depth, a + i * aRow, aRow, aColumn, b, bRow, edge, panel, false)
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
        i += rows
    }
}

/// A whole panel of C.
@inline(__always)
private func tiles(
    _ m: Int, _ depth: Int,
    _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ adding: Bool
) {
    var i = 0
    while i + tileRows <= m {
        if aRow == 1 {
            tileByColumns(depth, a + i, aColumn, b, bRow, c + i * cRow, cRow, adding)
        } else {
            tileByRows(depth, a + i * aRow, aRow, aColumn, b, bRow, c + i * cRow, cRow, adding)
        }
        i += tileRows
    }
    while i < m {
        strip(depth, a + i * aRow, aColumn, b, bRow, c + i * cRow, adding)
        i += 1
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
private struct Tile {
    var r0 = Pair(), r1 = Pair(), r2 = Pair(), r3 = Pair()
    #if WIDE || arch(arm64)
        var r4 = Pair(), r5 = Pair(), r6 = Pair(), r7 = Pair()
    #endif

    @inline(__always)
    func put(_ c: UnsafeMutablePointer<Float>, _ row: Int, _ adding: Bool) {
        r0.put(c, adding)
        r1.put(c + row, adding)
        r2.put(c + 2 * row, adding)
        r3.put(c + 3 * row, adding)
        #if WIDE || arch(arm64)
            r4.put(c + 4 * row, adding)
            r5.put(c + 5 * row, adding)
            r6.put(c + 6 * row, adding)
            r7.put(c + 7 * row, adding)
        #endif
    }
}

/// A tile where A's rows lie side by side: one pointer serves them all.
@inline(never)
private func tileByColumns(
    _ depth: Int, _ a: UnsafePointer<Float>, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ adding: Bool
) {
    var (tile, a, b) = (Tile(), a, b)
    var p = 0
    while p < depth {
        let (b0, b1) = (load(b), load(b + laneCount))
        tile.r0.add(a[0], b0, b1)
        tile.r1.add(a[1], b0, b1)
        tile.r2.add(a[2], b0, b1)
        tile.r3.add(a[3], b0, b1)
        #if WIDE || arch(arm64)
            tile.r4.add(a[4], b0, b1)
            tile.r5.add(a[5], b0, b1)
            tile.r6.add(a[6], b0, b1)
            tile.r7.add(a[7], b0, b1)
        #endif
        a += aColumn
        b += bRow
        p += 1
    }
    tile.put(c, cRow, adding)
}

/// A tile where A's rows lie apart: a pointer for each, so that no address waits for another.
@inline(never)
private func tileByRows(
    _ depth: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ adding: Bool
) {
    var (tile, b) = (Tile(), b)
    let (a1, a2, a3) = (a + aRow, a + 2 * aRow, a + 3 * aRow)
    #if WIDE || arch(arm64)
        let (a4, a5, a6, a7) = (a + 4 * aRow, a + 5 * aRow, a + 6 * aRow, a + 7 * aRow)
    #endif
    var p = 0
    let end = depth * aColumn
    while p < end {
        let (b0, b1) = (load(b), load(b + laneCount))
        tile.r0.add(a[p], b0, b1)
        tile.r1.add(a1[p], b0, b1)
        tile.r2.add(a2[p], b0, b1)
        tile.r3.add(a3[p], b0, b1)
        #if WIDE || arch(arm64)
            tile.r4.add(a4[p], b0, b1)
            tile.r5.add(a5[p], b0, b1)
            tile.r6.add(a6[p], b0, b1)
            tile.r7.add(a7[p], b0, b1)
        #endif
        b += bRow
        p += aColumn
    }
    tile.put(c, cRow, adding)
}
