/// What is going to happen, by time; things of one millisecond in the order they were scheduled.
///
/// A binary heap: both operations cost O(log n). It holds places of elements, which are large and stay where they are.
struct EventQueue<Element> {
    private struct Entry {
        let time: UInt64
        let order: UInt64
        let place: Int

        func precedes(_ other: Entry) -> Bool { (time, order) < (other.time, other.order) }
    }

    private var heap: [Entry] = []
    private var elements: [Element?] = []
    /// Places without an element.
    private var free: [Int] = []
    private var scheduled: UInt64 = 0

    var isEmpty: Bool { heap.isEmpty }
    /// The time of the next element.
    var nextTime: UInt64? { heap.first?.time }

    mutating func schedule(_ element: Element, at time: UInt64) {
        scheduled += 1
        let place = free.popLast() ?? elements.count
        if place == elements.count { elements.append(element) } else { elements[place] = element }
        heap.append(Entry(time: time, order: scheduled, place: place))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func next() -> (time: UInt64, element: Element)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        free.append(first.place)
        return (first.time, elements[first.place].take()!)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { return }
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(heap[parent]) else { return }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
