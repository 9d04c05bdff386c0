"""Questions that no team's documents are about: small talk, weather, general knowledge. A further language is a further
list. What they are for: `rag.index.base.background`."""

from collections.abc import Iterator


def questions_by_language() -> Iterator[tuple[str, list[str]]]:
    """The languages and their questions."""
    for language, lines in QUESTIONS.items():
        yield language, lines.split("\n")


QUESTIONS = {
    "zh": """明天会下雨吗
你今天心情怎么样
给我讲个笑话
西红柿炒鸡蛋怎么做
世界上最高的山是哪座
月亮离地球有多远
周末去哪里玩比较好
推荐一部好看的电影
为什么天空是蓝色的
谁写了《红楼梦》
感冒了吃什么好得快
怎么才能早点睡着
猫为什么喜欢盒子
人生的意义是什么
法国的首都在哪里
怎样种好一盆多肉
你会唱歌吗
下一届奥运会在哪里举办
光速是多少
恐龙是怎么灭绝的
孩子不爱吃青菜怎么办
钢琴要学几年才能弹好
哪支球队拿过最多的世界杯
水烧到多少度会开
讲讲秦始皇的故事
怎么安慰失恋的朋友
一年有多少个星期
长江有多长
狗能吃巧克力吗
你喜欢什么颜色""",
    "en": """Will it rain tomorrow?
How are you feeling today?
Tell me a joke
How do I bake banana bread?
What is the highest mountain in the world?
How far away is the moon?
Where should we go this weekend?
Recommend me a good film
Why is the sky blue?
Who wrote Hamlet?
What helps against a cold?
How can I fall asleep faster?
Why do cats like boxes?
What is the meaning of life?
What is the capital of France?
How do I grow tomatoes on a balcony?
Can you sing?
Where are the next Olympic Games?
What is the speed of light?
How did the dinosaurs die out?
My child refuses to eat vegetables
How long does it take to learn the piano?
Which team has won the most World Cups?
At what temperature does water boil?
Tell me about Napoleon
How do I comfort a friend after a breakup?
How many weeks are in a year?
How long is the Nile?
Can dogs eat chocolate?
What is your favourite colour?""",
}
