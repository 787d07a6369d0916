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
        multiply: KernelsBaseline.multiply, headForward: KernelsBaseline.headForward,
        headBackward: KernelsBaseline.headBackward, headAnswers: KernelsBaseline.headAnswers,
        softmax: KernelsBaseline.softmax, compare: KernelsBaseline.compare, normForward: KernelsBaseline.normForward,
        normBackward: KernelsBaseline.normBackward, attentionForward: KernelsBaseline.attentionForward,
        attentionBackward: KernelsBaseline.attentionBackward, reluForward: KernelsBaseline.reluForward,
        reluBackward: KernelsBaseline.reluBackward, add: KernelsBaseline.add,
        sumOfSquares: KernelsBaseline.sumOfSquares, sumRows: KernelsBaseline.sumRows,
        addToRows: KernelsBaseline.addToRows, dropout: KernelsBaseline.dropout, adam: KernelsBaseline.adam,
        embed: KernelsBaseline.embed, embedBackward: KernelsBaseline.embedBackward,
        rowProducts: KernelsBaseline.rowProducts, gather: KernelsBaseline.gather,
        scatterAdd: KernelsBaseline.scatterAdd)
}

#if arch(x86_64)
    extension Kernels {
        static let avx2 = Kernels(
            multiply: KernelsAVX2.multiply, headForward: KernelsAVX2.headForward,
            headBackward: KernelsAVX2.headBackward, headAnswers: KernelsAVX2.headAnswers, softmax: KernelsAVX2.softmax,
            compare: KernelsAVX2.compare,
            normForward: KernelsAVX2.normForward, normBackward: KernelsAVX2.normBackward,
            attentionForward: KernelsAVX2.attentionForward, attentionBackward: KernelsAVX2.attentionBackward,
            reluForward: KernelsAVX2.reluForward, reluBackward: KernelsAVX2.reluBackward, add: KernelsAVX2.add,
            sumOfSquares: KernelsAVX2.sumOfSquares, sumRows: KernelsAVX2.sumRows, addToRows: KernelsAVX2.addToRows,
            dropout: KernelsAVX2.dropout, adam: KernelsAVX2.adam,
            embed: KernelsAVX2.embed, embedBackward: KernelsAVX2.embedBackward, rowProducts: KernelsAVX2.rowProducts,
            gather: KernelsAVX2.gather,
            scatterAdd: KernelsAVX2.scatterAdd)

        static let avx512 = Kernels(
            multiply: KernelsAVX512.multiply, headForward: KernelsAVX512.headForward,
            headBackward: KernelsAVX512.headBackward, headAnswers: KernelsAVX512.headAnswers,
            softmax: KernelsAVX512.softmax, compare: KernelsAVX512.compare, normForward: KernelsAVX512.normForward,
            normBackward: KernelsAVX512.normBackward, attentionForward: KernelsAVX512.attentionForward,
            attentionBackward: KernelsAVX512.attentionBackward, reluForward: KernelsAVX512.reluForward,
            reluBackward: KernelsAVX512.reluBackward, add: KernelsAVX512.add,
            sumOfSquares: KernelsAVX512.sumOfSquares, sumRows: KernelsAVX512.sumRows,
            addToRows: KernelsAVX512.addToRows, dropout: KernelsAVX512.dropout, adam: KernelsAVX512.adam,
            embed: KernelsAVX512.embed, embedBackward: KernelsAVX512.embedBackward,
            rowProducts: KernelsAVX512.rowProducts, gather: KernelsAVX512.gather,
            scatterAdd: KernelsAVX512.scatterAdd)
    }
#endif
