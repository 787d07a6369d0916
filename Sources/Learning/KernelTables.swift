internal import KernelsBaseline

#if arch(x86_64)
    internal import KernelsAVX2
    internal import KernelsAVX512
#endif

extension Kernels {
    /// - Throws: ``LearningError/unsupportedKernel(_:)``
    init(_ variant: KernelVariant) throws(LearningError) {
        guard variant.isSupported else { throw .unsupportedKernel(variant) }
        switch variant {
        case .baseline: self = .baseline
        #if arch(x86_64)
            case .avx2: self = .avx2
            case .avx512: self = .avx512
        #else
            case .avx2, .avx512: throw .unsupportedKernel(variant)
        #endif
        }
    }

    static let baseline = Kernels(
        multiply: KernelsBaseline.multiply, crossEntropy: KernelsBaseline.crossEntropy,
        softmax: KernelsBaseline.softmax, normForward: KernelsBaseline.normForward,
        normBackward: KernelsBaseline.normBackward, attentionForward: KernelsBaseline.attentionForward,
        attentionBackward: KernelsBaseline.attentionBackward, reluForward: KernelsBaseline.reluForward,
        reluBackward: KernelsBaseline.reluBackward, add: KernelsBaseline.add,
        sumOfSquares: KernelsBaseline.sumOfSquares, dropout: KernelsBaseline.dropout, adam: KernelsBaseline.adam,
        embed: KernelsBaseline.embed, embedBackward: KernelsBaseline.embedBackward, gather: KernelsBaseline.gather,
        scatterAdd: KernelsBaseline.scatterAdd)
}

#if arch(x86_64)
    extension Kernels {
        static let avx2 = Kernels(
            multiply: KernelsAVX2.multiply, crossEntropy: KernelsAVX2.crossEntropy, softmax: KernelsAVX2.softmax,
            normForward: KernelsAVX2.normForward, normBackward: KernelsAVX2.normBackward,
            attentionForward: KernelsAVX2.attentionForward, attentionBackward: KernelsAVX2.attentionBackward,
            reluForward: KernelsAVX2.reluForward, reluBackward: KernelsAVX2.reluBackward, add: KernelsAVX2.add,
            sumOfSquares: KernelsAVX2.sumOfSquares, dropout: KernelsAVX2.dropout, adam: KernelsAVX2.adam,
            embed: KernelsAVX2.embed, embedBackward: KernelsAVX2.embedBackward, gather: KernelsAVX2.gather,
            scatterAdd: KernelsAVX2.scatterAdd)

        static let avx512 = Kernels(
            multiply: KernelsAVX512.multiply, crossEntropy: KernelsAVX512.crossEntropy,
            softmax: KernelsAVX512.softmax, normForward: KernelsAVX512.normForward,
            normBackward: KernelsAVX512.normBackward, attentionForward: KernelsAVX512.attentionForward,
            attentionBackward: KernelsAVX512.attentionBackward, reluForward: KernelsAVX512.reluForward,
            reluBackward: KernelsAVX512.reluBackward, add: KernelsAVX512.add,
            sumOfSquares: KernelsAVX512.sumOfSquares, dropout: KernelsAVX512.dropout, adam: KernelsAVX512.adam,
            embed: KernelsAVX512.embed, embedBackward: KernelsAVX512.embedBackward, gather: KernelsAVX512.gather,
            scatterAdd: KernelsAVX512.scatterAdd)
    }
#endif
