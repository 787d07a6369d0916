// The vector that fits one register of the instruction set this module is built for, and
// the few operations on it that every kernel uses. Nothing here may stay a generic call:
// the linker merges equal generic specialisations of the three modules, and the baseline
// would then run AVX-512 code.

#if WIDE
    typealias Lanes = SIMD16<Float>
    typealias Words = SIMD16<UInt32>
    let laneCount = 16
#elseif FUSED
    typealias Lanes = SIMD8<Float>
    typealias Words = SIMD8<UInt32>
    let laneCount = 8
#else
    typealias Lanes = SIMD4<Float>
    typealias Words = SIMD4<UInt32>
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

/// Largest lane.
@inline(__always)
func largest(_ lanes: Lanes) -> Float {
    var result = lanes[0]
    var lane = 1
    while lane < laneCount {
        if lanes[lane] > result { result = lanes[lane] }
        lane += 1
    }
    return result
}
