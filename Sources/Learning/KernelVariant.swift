internal import CShims

/// One build of the kernels. The sources are the same; the instructions differ.
public enum KernelVariant: String, CaseIterable, Hashable, Sendable {
    /// What every processor of the architecture runs: SSE2 on x86-64, NEON on arm64.
    case baseline
    /// x86-64-v3: 256-bit lanes, fused multiply-add.
    case avx2
    /// x86-64-v4: 512-bit lanes, fused multiply-add.
    case avx512

    /// Whether this processor, its operating system and this build can run it.
    public var isSupported: Bool {
        switch self {
        case .baseline: true
        #if arch(x86_64)
            case .avx2: shoal_cpu_has_x86_64_v3() == 1
            case .avx512: shoal_cpu_has_x86_64_v4() == 1
        #else
            case .avx2, .avx512: false
        #endif
        }
    }

    /// All that run here, slowest first.
    public static var supported: [KernelVariant] { allCases.filter(\.isSupported) }

    /// The fastest that runs here.
    public static var best: KernelVariant { supported.last ?? .baseline }
}
