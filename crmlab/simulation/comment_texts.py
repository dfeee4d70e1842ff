"""Sentences of survey comments by theme, tone and language; `comments` chooses and joins them.

A word in braces stands for one of `FILLERS`. Themes are what a coder of the comments should find.
"""

from __future__ import annotations

__all__ = ["CLOSINGS", "FILLERS", "OPENINGS", "SENTENCES", "THEMES", "TONES"]

THEMES = ("fees", "rates", "app", "outage", "waiting", "complaint_handling", "staff", "branch", "advice", "products",
          "praise", "switching", "suggestion")  # fmt: skip

TONES = ("negative", "neutral", "positive")  # of the codes -1, 0 and 1

FILLERS = {
    "en": {
        "minutes": ("twenty minutes", "half an hour", "almost forty minutes", "more than half an hour"),
        "days": ("a week", "ten days", "two weeks", "three weeks", "nearly a month"),
        "soon": ("within a day", "the next day", "within two days", "the same week"),
        "task": ("a new card", "a change of address", "a transfer limit", "a copy of a statement", "a standing order"),
        "very": ("very", "really", "always", "extremely"),
    },
    "zh": {
        "minutes": ("二十分钟", "半个小时", "将近四十分钟", "半个多小时"),
        "days": ("一个星期", "十天", "两个星期", "三个星期", "将近一个月"),
        "soon": ("当天", "第二天", "两天之内", "一周之内"),
        "task": ("补办银行卡", "修改地址", "调整转账限额", "打印对账单", "设置自动转账"),
        "very": ("非常", "真的很", "一直很", "特别"),
    },
}
# Before the first sentence and after the last; most comments have neither.
OPENINGS = {
    -1: {
        "en": ("To be honest: ", "I am disappointed. ", "Please do something about this: ", "Sorry to say so, but "),
        "zh": ("说实话，", "有些失望。", "希望贵行重视：", "恕我直言，"),
    },
    0: {"en": ("A suggestion: ", "One remark: "), "zh": ("提个建议：", "有一点想说：")},
    1: {
        "en": ("Thank you! ", "I am glad to say: ", "Credit where it is due: ", "All good. "),
        "zh": ("谢谢！", "值得表扬：", "很高兴地说，", "总体不错。"),
    },
}
CLOSINGS = {
    -1: {
        "en": (" This has to get better.", " Other banks manage.", " I expected more."),
        "zh": ("希望尽快改进。", "别的银行就能做到。", "本来期望更高。"),
    },
    0: {"en": (" Thank you for asking.", " It would help many people."), "zh": ("谢谢倾听。", "这对很多人都有帮助。")},
    1: {
        "en": (" Keep it up.", " I tell my friends.", " Thank you."),
        "zh": ("请继续保持。", "我会推荐给朋友。", "感谢！"),
    },
}

SENTENCES = {
    ("fees", -1): {
        "en": (
            "the fees went up again and nobody explained why.",
            "I pay more every January for the same account.",
            "the monthly fee is too high for what I get.",
            "other banks offer the account free of charge.",
            "the card fee came as a surprise on my statement.",
            "every small service costs extra now.",
        ),
        "zh": (
            "账户管理费又涨了，却没有任何说明。",
            "同样的账户，每年一月都要多付钱。",
            "月费太高，不值这个价。",
            "别的银行开户都不收费。",
            "对账单上突然多了一笔卡费。",
            "现在办点小事都要另外收费。",
        ),
    },
    ("fees", 1): {
        "en": (
            "the fees are fair and easy to understand.",
            "I know what I pay for, and it is worth it.",
            "no hidden costs so far, which I value.",
            "for this price the account is a good deal.",
        ),
        "zh": (
            "收费合理，清楚明白。",
            "花的钱都花得明白，物有所值。",
            "到目前为止没有隐形收费，这点很好。",
            "这个价格的账户很划算。",
        ),
    },
    ("rates", -1): {
        "en": (
            "the interest on my savings is next to nothing.",
            "rates on deposits lag behind those of other banks.",
            "the overdraft rate is far too high.",
            "new customers get better rates than loyal ones.",
        ),
        "zh": (
            "存款利息几乎可以忽略不计。",
            "存款利率比其他银行低不少。",
            "透支利率实在太高。",
            "新客户的利率比老客户还优惠。",
        ),
    },
    ("rates", 1): {
        "en": (
            "the rate on my deposit is good.",
            "I compared the loan with others and your rate was the best.",
            "interest rates were raised without my asking, well done.",
        ),
        "zh": ("我的定期存款利率不错。", "比较了几家银行，你们的贷款利率最优惠。", "利率主动上调，做得好。"),
    },
    ("app", -1): {
        "en": (
            "the app is slow and logs me out all the time.",
            "I cannot find anything since the app was redesigned.",
            "the app asks for my password three times before it lets me pay.",
            "transfers in the app fail without a reason given.",
            "online banking looks like it was made fifteen years ago.",
        ),
        "zh": (
            "手机银行很慢，还总是自动退出。",
            "手机银行改版以后什么都找不到了。",
            "付一次款要输三遍密码。",
            "手机银行转账失败却不说明原因。",
            "网上银行的界面像十五年前的。",
        ),
    },
    ("app", 1): {
        "en": (
            "the app is {very} easy to use.",
            "I do everything on my phone and it just works.",
            "payments in the app take seconds.",
            "the new overview of my spending is helpful.",
        ),
        "zh": (
            "手机银行{very}好用。",
            "所有业务都能在手机上办，很方便。",
            "手机付款几秒钟就完成。",
            "新的收支概览很有帮助。",
        ),
    },
    ("outage", -1): {
        "en": (
            "online banking was down when I had to pay my rent.",
            "after the breakdown I could not use my card for hours.",
            "the system failed and nobody told us anything.",
            "another outage like the last one and I lose patience.",
            "I stood at the till and the card did not work because of your breakdown.",
        ),
        "zh": (
            "要交房租的时候，网上银行却瘫痪了。",
            "系统故障后，银行卡好几个小时不能用。",
            "系统出了故障，却没有任何通知。",
            "再来一次这样的故障，我就没有耐心了。",
            "因为系统故障，结账时卡刷不了，非常尴尬。",
        ),
    },
    ("waiting", -1): {
        "en": (
            "I waited {minutes} on the phone.",
            "it took {days} to get {task}.",
            "the hotline plays music for {minutes} and then hangs up.",
            "everything takes too long, even {task}.",
            "there was one counter open and a long queue.",
        ),
        "zh": (
            "电话等了{minutes}才有人接。",
            "{task}竟然花了{days}。",
            "客服热线放了{minutes}音乐，然后断线了。",
            "什么都太慢，连{task}也不例外。",
            "只开了一个窗口，队排得很长。",
        ),
    },
    ("waiting", 1): {
        "en": (
            "my request was settled {soon}.",
            "no waiting at all, the call was answered at once.",
            "I asked for {task} and had it {soon}.",
            "everything was done in a few minutes.",
        ),
        "zh": (
            "我的业务{soon}就办好了。",
            "完全不用等，电话马上就接通了。",
            "申请{task}，{soon}就解决了。",
            "几分钟就全部办完。",
        ),
    },
    ("complaint_handling", -1): {
        "en": (
            "my complaint was answered after {days} with a standard letter.",
            "I complained and nobody called me back.",
            "I had to explain my complaint to four different people.",
            "the mistake was yours, but the effort was mine.",
            "my complaint is closed on your side, the problem is not.",
        ),
        "zh": (
            "投诉过了{days}才收到一封格式化的回信。",
            "投诉之后一直没有人给我回电话。",
            "同一个投诉，我向四个人重复说明。",
            "错在银行，麻烦却都由我承担。",
            "投诉显示已结案，问题却没有解决。",
        ),
    },
    ("complaint_handling", 1): {
        "en": (
            "my complaint was taken seriously and settled {soon}.",
            "a mistake can happen; what counts is that it was put right at once.",
            "I complained, got an apology and my money back {soon}.",
            "the way my complaint was handled changed my mind about the bank.",
        ),
        "zh": (
            "我的投诉得到了重视，{soon}就解决了。",
            "难免出错，关键是马上改正，这点做到了。",
            "投诉后得到了道歉，{soon}就退了款。",
            "处理投诉的态度让我对贵行有了新的看法。",
        ),
    },
    ("staff", -1): {
        "en": (
            "the person on the phone was rude.",
            "nobody feels responsible, I am sent from one to the next.",
            "the staff did not know the conditions of their own product.",
            "I felt treated like a number.",
        ),
        "zh": (
            "接电话的工作人员态度很差。",
            "互相推诿，没有人负责。",
            "工作人员连自己的产品条款都不清楚。",
            "感觉自己只是一个编号。",
        ),
    },
    ("staff", 1): {
        "en": (
            "the staff are {very} friendly and competent.",
            "the colleague at the counter took time for me.",
            "I was treated with respect, as always.",
            "the person on the phone understood at once what I needed.",
        ),
        "zh": (
            "工作人员{very}热情，业务也熟练。",
            "柜台的工作人员很有耐心。",
            "一如既往地受到尊重。",
            "客服马上就明白了我的需要。",
        ),
    },
    ("branch", -1): {
        "en": (
            "the branch is only open in the mornings now.",
            "the cash machine at my branch is out of order half of the time.",
            "older people need a branch, not an app.",
            "there is no privacy at the counter.",
        ),
        "zh": (
            "网点现在只有上午营业。",
            "网点的取款机经常坏。",
            "老年人需要的是网点，不是手机应用。",
            "柜台没有隐私可言。",
        ),
    },
    ("branch", 1): {
        "en": (
            "I like that there is still a branch near me.",
            "the renovated branch is bright and pleasant.",
            "in the branch I am known and greeted.",
            "good opening hours, I can come after work.",
        ),
        "zh": (
            "附近还有网点，这点很好。",
            "装修后的网点明亮舒适。",
            "网点的人认识我，会主动打招呼。",
            "营业时间合理，下班后也能去。",
        ),
    },
    ("advice", -1): {
        "en": (
            "the adviser only wanted to sell me something.",
            "I asked for advice and got a brochure.",
            "the risks of the fund were not explained to me.",
            "a new adviser every year, I always start from the beginning.",
        ),
        "zh": (
            "理财顾问只想推销产品。",
            "想咨询，结果只拿到一本宣传册。",
            "基金的风险没有跟我讲清楚。",
            "每年换一个顾问，每次都要从头说起。",
        ),
    },
    ("advice", 1): {
        "en": (
            "the adviser explained everything patiently and without pressure.",
            "good advice that fitted my situation.",
            "my adviser told me honestly what I do not need.",
            "I felt well advised about my savings.",
        ),
        "zh": (
            "顾问讲解耐心，没有强行推销。",
            "建议很实在，符合我的情况。",
            "顾问坦诚地告诉我哪些产品不需要。",
            "在储蓄方面得到了很好的建议。",
        ),
    },
    ("products", -1): {
        "en": (
            "the conditions of the account are hard to understand.",
            "there is no savings plan that suits me.",
            "my card is not accepted everywhere.",
            "opening a second account is needlessly complicated.",
        ),
        "zh": ("账户条款很难看懂。", "没有适合我的储蓄产品。", "我的卡不是到处都能用。", "再开一个账户手续太复杂。"),
    },
    ("products", 1): {
        "en": (
            "account, card and savings fit together well.",
            "the account does what it should.",
            "I found the right product for every need.",
            "the card works wherever I travel.",
        ),
        "zh": (
            "账户、银行卡和储蓄搭配得很好。",
            "账户功能够用，符合需要。",
            "各种需求都能找到合适的产品。",
            "出门在外，卡到处都能用。",
        ),
    },
    ("praise", 1): {
        "en": (
            "I have been satisfied for years.",
            "everything runs smoothly, nothing to complain about.",
            "a bank one can rely on.",
            "I am happy here and will stay.",
            "simply a good bank.",
        ),
        "zh": (
            "多年来一直很满意。",
            "一切顺利，没有什么可抱怨的。",
            "值得信赖的银行。",
            "很满意，会继续用下去。",
            "就是一家好银行。",
        ),
    },
    ("switching", -1): {
        "en": (
            "I am thinking about moving to another bank.",
            "if nothing changes I will close my account.",
            "I have already opened an account elsewhere.",
            "a friend moved to an online bank and I may follow.",
        ),
        "zh": (
            "正在考虑换一家银行。",
            "如果没有改变，我就销户。",
            "我已经在别的银行开了户。",
            "朋友换了网上银行，我可能也会换。",
        ),
    },
    ("suggestion", 0): {
        "en": (
            "a larger font in the letters would help.",
            "please offer a reminder before a deposit matures.",
            "I would like to see all accounts on one page.",
            "fewer letters, more e-mail please.",
        ),
        "zh": (
            "信函的字体可以大一些。",
            "定期存款到期前最好有提醒。",
            "希望所有账户能在一个页面上显示。",
            "少寄信，多用电子邮件。",
        ),
    },
}
