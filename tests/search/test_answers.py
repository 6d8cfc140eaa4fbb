"""What searches with several goals answer."""

from types import SimpleNamespace

import numpy as np

from benchsuite.search._scalarisation import answer_front


def test_of_equal_accuracies_the_first_answer_is_one_of_the_front():
    costs = np.array([[3.0, 1.0], [2.0, 1.0], [1.0, 1.0]])
    answered = []
    search = SimpleNamespace(feasible=lambda cell: True, answer=answered.extend)
    answer_front(search, costs, {0: 90.0, 1: 90.0, 2: 80.0})
    assert answered == [1, 2]  # 0 is as accurate as 1 and costs more
