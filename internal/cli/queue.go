package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"sync"
)

// mostJobs is how many events are run at once, unless --jobs says less. Each
// takes a process or more and half a dozen descriptors.
const mostJobs = 64

// JobCount is the value of --jobs; 0 if it was not given.
type JobCount int

// Set reads a number from 1 to 64.
func (n *JobCount) Set(text string) error {
	count, err := strconv.Atoi(text)
	if err != nil || count < 1 || count > mostJobs {
		return fmt.Errorf("not a number from 1 to %d", mostJobs)
	}
	*n = JobCount(count)
	return nil
}

// String returns the number, or nothing if it is not given.
func (n *JobCount) String() string {
	if *n == 0 {
		return ""
	}
	return strconv.Itoa(int(*n))
}

// Queue lets in one event of an order at a time, and not too many of all orders.
type Queue struct {
	turns  chan struct{}
	mu     sync.Mutex
	orders map[string]*queueOrder
}

// queueOrder is an order with events that are run or wait.
type queueOrder struct {
	turn   chan struct{}
	events int
}

// NewQueue returns a queue for up to jobs events at once.
func NewQueue(jobs JobCount) *Queue {
	return &Queue{turns: make(chan struct{}, cmp.Or(int(jobs), mostJobs)), orders: map[string]*queueOrder{}}
}

// Enter waits until an event of an order can be run; "" means no order. done
// reports that it was run, so that one of another order can be; leave, which
// calls done too, lets in the next one of the order. The error is the context's
// cause.
func (q *Queue) Enter(ctx context.Context, order string) (done, leave func(), err error) {
	leaveOrder, err := q.enterOrder(ctx, order)
	if err != nil {
		return nil, nil, err
	}
	select {
	case q.turns <- struct{}{}:
		done = sync.OnceFunc(func() { <-q.turns })
		return done, func() { done(); leaveOrder() }, nil
	case <-ctx.Done():
		leaveOrder()
		return nil, nil, context.Cause(ctx)
	}
}

func (q *Queue) enterOrder(ctx context.Context, name string) (leave func(), err error) {
	if name == "" {
		return func() {}, nil
	}
	o := q.join(name)
	select {
	case o.turn <- struct{}{}:
		return func() { <-o.turn; q.forget(name, o) }, nil
	case <-ctx.Done():
		q.forget(name, o)
		return nil, context.Cause(ctx)
	}
}

func (q *Queue) join(name string) *queueOrder {
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.orders[name]
	if o == nil {
		o = &queueOrder{turn: make(chan struct{}, 1)}
		q.orders[name] = o
	}
	o.events++
	return o
}

func (q *Queue) forget(name string, o *queueOrder) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if o.events--; o.events == 0 {
		delete(q.orders, name)
	}
}
