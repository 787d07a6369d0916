/// Memory for numbers that only grows: after the first step of a size nothing is allocated.
///
/// Aligned to 64 bytes, the widest vector register and one cache line.
final class Buffer<Element: BitwiseCopyable> {
    private(set) var start: UnsafeMutablePointer<Element>
    private var capacity: Int

    init(_ count: Int = 0) {
        capacity = max(count, 16)
        start = Buffer.allocate(capacity)
    }

    deinit { UnsafeMutableRawPointer(start).deallocate() }

    /// Makes room for `count` elements. The contents are lost when it has to move.
    @discardableResult
    func reserve(_ count: Int) -> UnsafeMutablePointer<Element> {
        if count > capacity {
            UnsafeMutableRawPointer(start).deallocate()
            capacity = max(count, capacity + capacity / 2)
            start = Buffer.allocate(capacity)
        }
        return start
    }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
        let bytes = count * MemoryLayout<Element>.stride
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return raw.assumingMemoryBound(to: Element.self)
    }
}
