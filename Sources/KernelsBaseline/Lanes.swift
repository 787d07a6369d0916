// The vector that fits one register of the instruction set this module is built for, and
// the few operations on it that every kernel uses. Nothing here may stay a generic call:
// the linker merges equal generic specialisations of the three modules, and the baseline
// would then run AVX-512 code.

#if WIDE
    typealias Lanes = SIMD16<Float>
    typealias Words = SIMD16<UInt32>
    typealias Signed = SIMD16<Int32>
    let laneCount = 16
#elseif FUSED
    typealias Lanes = SIMD8<Float>
    typealias Words = SIMD8<UInt32>
    typealias Signed = SIMD8<Int32>
    let laneCount = 8
#else
    typealias Lanes = SIMD4<Float>
    typealias Words = SIMD4<UInt32>
    typealias Signed = SIMD4<Int32>
    let laneCount = 4
#endif

@inline(__always)
func load(_ source: UnsafePointer<Float>) -> Lanes {
    UnsafeRawPointer(source).loadUnaligned(as: Lanes.self)
}

@inline(__always)
func store(_ lanes: Lanes, _ destination: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(destination).storeBytes(of: lanes, as: Lanes.self)
}

#if FUSED
    // Half a register, for rows that do not fill one.
    #if WIDE
        typealias HalfLanes = SIMD8<Float>
    #else
        typealias HalfLanes = SIMD4<Float>
    #endif

    @inline(__always)
    func loadHalf(_ source: UnsafePointer<Float>) -> HalfLanes {
        UnsafeRawPointer(source).loadUnaligned(as: HalfLanes.self)
    }

    @inline(__always)
    func storeHalf(_ lanes: HalfLanes, _ destination: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(destination).storeBytes(of: lanes, as: HalfLanes.self)
    }
#endif

/// `sum + a·b`, in one rounding where the instruction exists.
@inline(__always)
func multiplyAdd(_ a: Lanes, _ b: Lanes, _ sum: Lanes) -> Lanes {
    #if FUSED || arch(arm64)
        sum.addingProduct(a, b)
    #else
        sum + a * b
    #endif
}

/// Sum of all lanes, by halves.
@inline(__always)
func total(_ lanes: Lanes) -> Float {
    #if WIDE
        let eight = lanes.lowHalf + lanes.highHalf
        let four = eight.lowHalf + eight.highHalf
    #elseif FUSED
        let four = lanes.lowHalf + lanes.highHalf
    #else
        let four = lanes
    #endif
    let two = four.lowHalf + four.highHalf
    return two.x + two.y
}

// Choices between lanes go through masks made by shifting signs: comparisons and `replacing(with:where:)` of
// wide vectors come apart into quarters.

/// All ones in the lanes after `lane`.
@inline(__always)
func afterLane(_ lane: Int) -> Signed {
    #if WIDE
        let index = Signed(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    #elseif FUSED
        let index = Signed(0, 1, 2, 3, 4, 5, 6, 7)
    #else
        let index = Signed(0, 1, 2, 3)
    #endif
    return (Signed(repeating: Int32(truncatingIfNeeded: lane)) &- index) &>> 31
}

/// All ones where x is negative.
@inline(__always)
func negative(_ x: Lanes) -> Signed { unsafeBitCast(x, to: Signed.self) &>> 31 }

/// The lanes of x where the mask is all ones, 0 elsewhere.
@inline(__always)
func masked(_ x: Lanes, _ mask: Signed) -> Lanes {
    unsafeBitCast(unsafeBitCast(x, to: Signed.self) & mask, to: Lanes.self)
}

/// The larger of two, lane by lane; either where one is not a number.
@inline(__always)
func larger(_ a: Lanes, _ b: Lanes) -> Lanes {
    let below = negative(a - b)
    let (x, y) = (unsafeBitCast(a, to: Signed.self), unsafeBitCast(b, to: Signed.self))
    return unsafeBitCast((x & ~below) | (y & below), to: Lanes.self)
}

/// Largest lane.
@inline(__always)
func largest(_ lanes: Lanes) -> Float {
    #if WIDE
        let eight = larger8(lanes.lowHalf, lanes.highHalf)
        let four = larger4(eight.lowHalf, eight.highHalf)
    #elseif FUSED
        let four = larger4(lanes.lowHalf, lanes.highHalf)
    #else
        let four = lanes
    #endif
    let x = four.x > four.y ? four.x : four.y
    let y = four.z > four.w ? four.z : four.w
    return x > y ? x : y
}

#if WIDE
    @inline(__always)
    private func larger8(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        let below = unsafeBitCast(a - b, to: SIMD8<Int32>.self) &>> 31
        let (x, y) = (unsafeBitCast(a, to: SIMD8<Int32>.self), unsafeBitCast(b, to: SIMD8<Int32>.self))
        return unsafeBitCast((x & ~below) | (y & below), to: SIMD8<Float>.self)
    }
#endif

#if FUSED
    @inline(__always)
    private func larger4(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        let below = unsafeBitCast(a - b, to: SIMD4<Int32>.self) &>> 31
        let (x, y) = (unsafeBitCast(a, to: SIMD4<Int32>.self), unsafeBitCast(b, to: SIMD4<Int32>.self))
        return unsafeBitCast((x & ~below) | (y & below), to: SIMD4<Float>.self)
    }
#endif
